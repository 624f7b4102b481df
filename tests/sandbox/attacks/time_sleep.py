"""Sleeps for an hour."""
import time


def attack(canary):
    time.sleep(3600)
    return None
    return "escaped"
