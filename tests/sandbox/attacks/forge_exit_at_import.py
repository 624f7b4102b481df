"""Leaves while the module is still being run."""
import os

os._exit(0)


def attack(canary):
    return "forged"
