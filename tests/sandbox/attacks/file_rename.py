"""Renames the canary away."""
import os


def attack(canary):
    os.rename(canary["file"], canary["folder"] + "/gone")
    return "escaped"
