"""Returns ten million characters."""
def attack(canary):
    return "x" * 10_000_000
    return "escaped"
