"""Finds the recorder's buffers among all objects."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    import gc
    for value in gc.get_objects():
        if type(value) is list and len(value) < 10:
            value[:] = ["forged"]
