"""An exception whose message never ends."""
class Bomb(Exception):
    def __str__(self):
        while True:
            pass


def attack(canary):
    raise Bomb("x")
