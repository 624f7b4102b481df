"""A constant expression that explodes while it is folded."""
value = lambda: ((((2 ** 64) ** 64) ** 64) ** 64) ** 64


def attack(canary):
    return len(str("x" * 4000 * 4000 * 4000))
