"""Looks for recording's notes among the constants of its own code, and makes them say what it likes."""


def attack(canary):
    def victim(x):
        y = x + 1
        if y > 2:
            y += x
        return [z for z in (y, x)]

    victim(2)
    for name in ("co_consts", "_co_consts"):
        for code in (victim.__code__, attack.__code__):
            for constant in getattr(code, name, ()):
                try:
                    constant @ 666_000_111
                except TypeError:
                    pass
    return "honest"
