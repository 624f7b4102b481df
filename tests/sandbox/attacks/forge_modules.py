"""Replaces what trusted code may use of the standard modules."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    import gc, io, os, time, types
    for module in (sys, gc, io, os, time, types):
        for name in dir(module):
            if not name.startswith("__") and name not in ("stdout", "stderr", "modules"):
                try:
                    setattr(module, name, lambda *arguments, **named: "forged")
                except Exception:
                    pass
