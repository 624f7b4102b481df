"""Moves itself to all cores."""
import os


def attack(canary):
    os.sched_setaffinity(0, range(64))
    return "escaped"
