"""Runs the exit callbacks early, and removes the rest."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    import atexit
    atexit._run_exitfuncs()
    atexit._clear()
