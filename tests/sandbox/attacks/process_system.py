"""Runs a shell command."""
import os


def attack(canary):
    assert os.system("echo owned > " + canary["file"]) == 0
    return "escaped"
