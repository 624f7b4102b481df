"""Puts a false exception where trusted code picks up the true one."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    import types
    sys.unraisablehook.__self__.append(types.SimpleNamespace(exc_value=ValueError("forged")))
    sys.unraisablehook = lambda arguments: None
