"""A hash and an equality that never end, inside a set that must be sorted."""
class Bomb:
    armed = False

    def __hash__(self):
        while Bomb.armed:
            pass
        return 1

    def __eq__(self, other):
        while Bomb.armed:
            pass
        return False


def attack(canary):
    value = {Bomb(), Bomb()}
    Bomb.armed = True
    return value
