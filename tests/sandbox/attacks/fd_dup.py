"""Duplicates the server's socket."""
import os


def attack(canary):
    os.dup(0)
    return "escaped"
