"""Compiles a chain of a hundred thousand operators, which can overflow the C stack."""
def attack(canary):
    return eval("-" * 100_000 + "1")
