"""Compiles a very long chain of attributes."""
def attack(canary):
    return compile("a" + ".a" * 100_000, "x", "eval") and None
