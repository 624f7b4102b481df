"""Has the garbage collector call it while trusted code works."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    import gc
    gc.callbacks.append(lambda phase, info: sys._getframe(0).f_back.f_locals.clear())
    gc.set_threshold(1)
