"""Installs a profile function."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    sys.setprofile(lambda *arguments: None)
