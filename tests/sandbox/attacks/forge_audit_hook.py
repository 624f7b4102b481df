"""Installs an audit hook, which sees what trusted code does."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    sys.addaudithook(lambda event, arguments: sys._getframe(0).f_back.f_locals.clear())
