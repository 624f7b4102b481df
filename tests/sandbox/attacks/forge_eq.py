"""Returns an object that is equal to everything: its canonical value must show what it is."""
class Anything:
    def __eq__(self, other):
        return True

    def __repr__(self):
        return "forged"

    __str__ = __repr__


def attack(canary):
    return Anything()
