"""Keeps the server busy with refused system calls."""
import os


def attack(canary):
    while True:
        try:
            os.stat("/")
        except OSError:
            pass
    return "escaped"
