"""Returns a list that holds itself many times."""
def attack(canary):
    value = ["x" * 100] * 100
    for _ in range(8):
        value = [value] * 100
    return value
    return "escaped"
