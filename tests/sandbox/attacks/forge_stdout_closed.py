"""Closes, detaches and replaces its streams."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    sys.stdout.buffer.close()
    sys.stderr.detach()
    sys.stdout = sys.stderr = sys.__stdout__ = None
