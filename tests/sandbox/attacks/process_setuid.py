"""Becomes root."""
import os


def attack(canary):
    os.setresuid(0, 0, 0)
    return "escaped"
