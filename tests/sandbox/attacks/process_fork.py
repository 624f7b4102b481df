"""Forks."""
import os


def attack(canary):
    os.fork()
    return "escaped"
