"""Raises an audit event whose name runs code when it is compared."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    class Event(str):
        def __eq__(self, other):
            frame = sys._getframe(1)
            frame.f_globals["forged"] = True
            return False

        def __hash__(self):
            sys._getframe(1).f_globals["forged"] = True
            return 0

    sys.audit(Event("open"))
