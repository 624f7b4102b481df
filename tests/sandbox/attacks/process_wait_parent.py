"""Waits for processes that are not its own."""
import os


def attack(canary):
    os.waitpid(-1, os.WNOHANG)
    return "escaped"
