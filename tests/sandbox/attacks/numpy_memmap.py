"""Maps the canary into memory through numpy."""
import numpy


def attack(canary):
    return "escaped " + bytes(numpy.memmap(canary["file"], mode="r")).decode()
