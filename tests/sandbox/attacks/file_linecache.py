"""Lets linecache read the canary."""
import linecache


def attack(canary):
    lines = linecache.getlines(canary["file"])
    assert lines
    return "escaped " + str(lines)
    return "escaped"
