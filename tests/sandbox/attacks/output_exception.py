"""Raises an exception with an enormous message."""
def attack(canary):
    raise ValueError("x" * 10_000_000)
    return "escaped"
