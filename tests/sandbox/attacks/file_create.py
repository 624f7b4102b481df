"""Creates a new file beside the canary."""
import os


def attack(canary):
    open(canary["folder"] + "/new", "w").write("owned")
    return "escaped"
