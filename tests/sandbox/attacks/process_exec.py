"""Replaces itself by a shell."""
import os


def attack(canary):
    os.execv("/bin/sh", ["sh", "-c", "echo owned > " + canary["file"]])
    return "escaped"
