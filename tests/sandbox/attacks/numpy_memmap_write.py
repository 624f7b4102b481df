"""Writes to the canary through a map of numpy's."""
import numpy


def attack(canary):
    mapped = numpy.memmap(canary["file"], mode="r+")
    mapped[:5] = list(b"owned")
    mapped.flush()
    return "escaped"
