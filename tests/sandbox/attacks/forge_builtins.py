"""Replaces the built-in functions that a recorder would use."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    import builtins
    for name in ("repr", "len", "str", "type", "isinstance", "print", "list", "next", "sorted", "zip", "enumerate"):
        setattr(builtins, name, lambda *arguments: "forged")
