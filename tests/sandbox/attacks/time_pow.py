"""Computes a huge power in one C call."""
def attack(canary):
    return len(str(9 ** 9 ** 9))
    return "escaped"
