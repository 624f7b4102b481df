"""Plants a hard link."""
import os


def attack(canary):
    os.link(canary["file"], canary["folder"] + "/link")
    return "escaped"
