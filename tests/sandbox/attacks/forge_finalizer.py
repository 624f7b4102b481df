"""Has code run by the finalizers of what trusted code drops, and walks the frames from there."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    class Dropped:
        def __del__(self, sys=sys):
            frame = sys._getframe(0)
            while frame is not None:
                for value in list(frame.f_locals.values()):
                    if type(value) is list:
                        value[:] = ["forged"]
                frame = frame.f_back

        def write(self, text):
            return len(text)

    sys.stdout, sys.stderr, sys.stdin = Dropped(), Dropped(), Dropped()
    import builtins
    builtins.repr = builtins.len = Dropped()
