"""Returns a list nested a hundred thousand deep."""
def attack(canary):
    value = []
    for _ in range(100_000):
        value = [value]
    return value
    return "escaped"
