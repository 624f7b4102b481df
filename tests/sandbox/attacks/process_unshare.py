"""Makes a user namespace in which it is root."""
import os


def attack(canary):
    os.unshare(0x10000000)
    return "escaped"
