"""Changes the mode of the canary."""
import os


def attack(canary):
    os.chmod(canary["file"], 0)
    return "escaped"
