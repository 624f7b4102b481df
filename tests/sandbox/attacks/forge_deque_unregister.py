"""Unregisters the callbacks that record results."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    import atexit
    from collections import deque
    atexit.unregister(deque)
