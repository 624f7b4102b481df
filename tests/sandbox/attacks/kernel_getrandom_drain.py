"""Asks the kernel for random bytes until its time is up."""
import os


def attack(canary):
    while True:
        os.getrandom(1 << 16)
    return "escaped"
