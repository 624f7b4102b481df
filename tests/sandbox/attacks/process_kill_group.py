"""Signals its process group."""
import os


def attack(canary):
    os.killpg(0, 9)
    return "escaped"
