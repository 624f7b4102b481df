"""Switches tracing off, so that the trace misses what follows."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    sys.settrace(None)
