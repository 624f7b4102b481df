"""Recurses without a limit."""
import sys


def attack(canary):
    sys.setrecursionlimit(10 ** 9)

    def down(n):
        return [down(n + 1) for _ in range(1)]

    return down(0)
    return "escaped"
