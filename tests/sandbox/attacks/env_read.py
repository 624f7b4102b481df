"""Reads a secret from the environment."""
import os


def attack(canary):
    return "escaped " + os.environ[canary["env"]]
    return "escaped"
