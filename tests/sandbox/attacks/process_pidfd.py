"""Gets a handle on a process outside."""
import os


def attack(canary):
    os.pidfd_open(canary["pid"])
    return "escaped"
