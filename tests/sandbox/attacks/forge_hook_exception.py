"""Hides the exception that ends it and offers another one."""
import sys
import types


def attack(canary):
    found = sys.unraisablehook
    sys.unraisablehook = lambda arguments: found(types.SimpleNamespace(exc_value=ValueError("forged")))
    raise KeyError("honest")
