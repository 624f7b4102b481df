"""Writes to every descriptor that it may have inherited."""
import os


def attack(canary):
    wrote = 0
    for descriptor in range(4096):
        try:
            wrote += os.write(descriptor, b"owned")
        except OSError:
            pass
    assert wrote
    return "escaped"
