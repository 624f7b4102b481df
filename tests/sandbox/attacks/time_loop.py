"""Loops for ever."""
def attack(canary):
    while True:
        pass
    return "escaped"
