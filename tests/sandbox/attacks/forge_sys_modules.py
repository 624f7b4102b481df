"""Replaces the modules table by one of its own."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    class Table(dict):
        def __getitem__(self, key):
            return "forged"

        def __setitem__(self, key, value):
            raise SystemExit("forged")

    sys.modules = Table(sys.modules)
