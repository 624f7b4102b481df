"""Writes a forged answer frame into descriptors that may lead to the client."""
import os


def attack(canary):
    for descriptor in range(64):
        try:
            os.write(descriptor, b"\x08\0\0\0escaped!")
        except OSError:
            continue
        return "escaped"
    return None
    return "escaped"
