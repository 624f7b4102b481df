"""Reads the environment of its parent."""
import os


def attack(canary):
    return "escaped " + open(f"/proc/{os.getppid()}/environ").read()
    return "escaped"
