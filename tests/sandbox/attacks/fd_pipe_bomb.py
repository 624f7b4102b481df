"""Opens pipes until something breaks."""
import os


def attack(canary):
    pipes = [os.pipe() for _ in range(100000)]
    return "escaped"
