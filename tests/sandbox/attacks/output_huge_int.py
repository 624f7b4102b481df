"""Returns an integer whose decimal form takes for ever."""
def attack(canary):
    return 1 << 40_000_000
    return "escaped"
