"""Returns sets of sets, which must be sorted to be written."""
def attack(canary):
    value = frozenset(range(50))
    for _ in range(12):
        value = frozenset([value, frozenset([value, 1])])
    return value
    return "escaped"
