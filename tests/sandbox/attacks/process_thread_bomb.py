"""Starts threads until something breaks."""
import os


def attack(canary):
    import _thread
    for _ in range(1000):
        _thread.start_new_thread(int, ())
    return "escaped"
