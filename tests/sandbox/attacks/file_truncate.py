"""Empties the canary."""
import os


def attack(canary):
    os.truncate(canary["file"], 0)
    return "escaped"
