"""Returns an int subclass that prints as another number."""
class Liar(int):
    def __repr__(self):
        return "'forged'"

    __str__ = __repr__


def attack(canary):
    return Liar(7)
