"""Creates a named pipe."""
import os


def attack(canary):
    os.mkfifo(canary["folder"] + "/pipe")
    return "escaped"
