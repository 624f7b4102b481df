"""Has the compiler's warnings call it."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    import warnings
    warnings.showwarning = warnings._showwarnmsg = warnings.warn_explicit = lambda *a, **k: sys._getframe(1).f_locals.clear()
    warnings.simplefilter("always")
