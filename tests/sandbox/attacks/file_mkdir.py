"""Creates a directory."""
import os


def attack(canary):
    os.mkdir(canary["folder"] + "/directory")
    return "escaped"
