"""Sleeps the clock over every limit, and breaks it."""
import time


def attack(canary):
    time.sleep(10 ** 9)
    time.time = time.monotonic = time.process_time = time.perf_counter = lambda: -1e18
    while True:
        time.sleep(10 ** 6)
    return "escaped"
