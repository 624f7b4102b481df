"""Leaves with the exit code that means "go on with the next call"."""
import os


def attack(canary):
    os._exit(96)
