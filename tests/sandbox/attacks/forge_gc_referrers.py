"""Finds who refers to its own module, and changes them."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    import gc
    for value in gc.get_referrers(sys.modules[__name__]):
        if type(value) is list:
            value.append("forged")
