"""Overwrites a file that everyone may write."""
import os


def attack(canary):
    open(canary["file"], "w").write("owned")
    return "escaped"
