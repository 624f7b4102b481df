"""Reads the file with bare system calls."""
import os


def attack(canary):
    descriptor = os.open(canary["file"], os.O_RDONLY)
    return "escaped " + os.read(descriptor, 100).decode()
    return "escaped"
