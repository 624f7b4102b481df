"""Goes on working when the interpreter exits."""
def attack(canary):
    import atexit
    atexit.register(lambda: [None for _ in iter(int, 1)])
    return "honest"
    return "escaped"
