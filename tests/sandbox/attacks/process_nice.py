"""Raises its priority."""
import os


def attack(canary):
    os.nice(-5)
    return "escaped"
