"""Changes variables through a frame's `f_locals` while its statement is taken apart into steps."""
import sys


def meddle(value):
    frame = sys._getframe(1)
    for name in list(frame.f_locals):
        if name.startswith("."):
            frame.f_locals[name] = "forged"
    return value


def attack(canary):
    kept = {"k": 1}
    kept[meddle("k")] += meddle(1)
    kept[meddle("k")] += meddle(1)
    return "honest" if kept == {"k": 3} else "forged"
