"""Builds one huge string."""
def attack(canary):
    return len("a" * (1 << 40))
    return "escaped"
