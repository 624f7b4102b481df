"""Leaves trusted code no stack to work on."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    for limit in range(3, 40):
        try:
            sys.setrecursionlimit(limit)
            break
        except RecursionError:
            continue
