"""Forks for ever."""
import os


def attack(canary):
    made = 0
    for _ in range(10000):
        try:
            os.fork()
            made += 1
        except OSError:
            pass
    assert made
    return "escaped"
