"""Gives the module sys a class whose attribute writes run code."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    import types

    class Spy(types.ModuleType):
        def __setattr__(self, name, value):
            sys._getframe(1).f_locals.clear()

    sys.__class__ = Spy
