"""Kills a process of the same user outside."""
import os


def attack(canary):
    os.kill(canary["pid"], 9)
    return "escaped"
