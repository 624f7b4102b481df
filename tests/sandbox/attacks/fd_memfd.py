"""Creates a memory file to execute it."""
import os


def attack(canary):
    os.memfd_create("canary")
    return "escaped"
