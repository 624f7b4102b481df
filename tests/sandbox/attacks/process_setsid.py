"""Leaves its session to outlive the sandbox."""
import os


def attack(canary):
    os.setsid()
    return "escaped"
