"""A repr that never ends."""
class Bomb:
    def __repr__(self):
        while True:
            pass


def attack(canary):
    return Bomb()
