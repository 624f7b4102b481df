"""Kills the server that forked it."""
import os


def attack(canary):
    os.kill(os.getppid(), 9)
    return "escaped"
