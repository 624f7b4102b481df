"""Puts keys that run code into the interpreter's own dictionaries."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    class Key(str):
        def __eq__(self, other):
            frame = sys._getframe()
            while frame is not None:
                for value in list(frame.f_locals.values()):
                    if type(value) is list:
                        value[:] = ["forged"]
                frame = frame.f_back
            return False

        __hash__ = str.__hash__

    for name in ("program", "stdout", "unraisablehook", "modules", "stdin"):
        sys.modules[Key(name)] = None
        sys.__dict__[Key(name)] = None
