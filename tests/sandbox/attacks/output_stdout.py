"""Prints for ever."""
def attack(canary):
    while True:
        print("x" * 1000)
    return "escaped"
