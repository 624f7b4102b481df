"""Compiles a bomb at run time."""
def attack(canary):
    return eval("(" * 100_000 + ")" * 100_000)
