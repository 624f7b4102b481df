"""Burns system time instead of user time."""
import os


def attack(canary):
    while True:
        os.sched_yield()
    return "escaped"
