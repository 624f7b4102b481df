"""Offers itself as the operand of whatever the recorder multiplies with, to get hold of it."""

CAUGHT = []


class Operand:
    def __matmul__(self, other):
        CAUGHT.append(other)
        return "forged"

    __rmatmul__ = __imatmul__ = __rmul__ = __radd__ = __add__ = __matmul__

    def __getattr__(self, name):
        CAUGHT.append(name)
        return self


def attack(canary):
    operand = Operand()
    values = [operand, operand, operand]
    kept = {"k": operand}
    kept["k"] += 1
    for value in values:
        if value:
            other = value
    for caught in CAUGHT:
        try:
            caught @ 666_000_111
        except TypeError:
            pass
    return "honest" if all(type(caught) in (str, int) for caught in CAUGHT) else "forged"
