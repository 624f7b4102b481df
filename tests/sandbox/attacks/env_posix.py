"""Reads the environment below os.environ."""
import os


def attack(canary):
    import posix
    assert any(canary["env"] in repr(key) for key in posix.environ)
    return "escaped " + repr(posix.environ)
    return "escaped"
