"""Reads from every descriptor that it may have inherited."""
import os


def attack(canary):
    for descriptor in range(4096):
        try:
            return "escaped " + repr(os.read(descriptor, 100))
        except OSError:
            pass
    return None
    return "escaped"
