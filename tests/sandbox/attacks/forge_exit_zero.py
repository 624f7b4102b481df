"""Prints what looks like a result and leaves at once, as if all were done."""
import os
import sys


def attack(canary):
    print("forged")
    sys.stdout.flush()
    os._exit(0)
