"""Freezes the server."""
import os


def attack(canary):
    os.kill(os.getppid(), 19)
    return "escaped"
