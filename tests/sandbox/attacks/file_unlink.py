"""Deletes the canary."""
import os


def attack(canary):
    os.unlink(canary["file"])
    return "escaped"
