"""Learns that the canary exists."""
import os


def attack(canary):
    os.stat(canary["file"])
    return "escaped"
