"""Plants a symbolic link."""
import os


def attack(canary):
    os.symlink("/etc/passwd", canary["folder"] + "/link")
    return "escaped"
