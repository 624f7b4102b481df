"""Replaces its own module object by one that answers every question."""
import sys


class Liar:
    def __getattr__(self, name):
        return lambda *arguments: "forged"


sys.modules[__name__] = sys.modules["program"] = Liar()


def attack(canary):
    return "honest"
