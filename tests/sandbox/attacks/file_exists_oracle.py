"""Asks whether the canary exists, which stat answers even to those who cannot read."""
import os


def attack(canary):
    assert os.path.exists(canary["file"])
    return "escaped"
