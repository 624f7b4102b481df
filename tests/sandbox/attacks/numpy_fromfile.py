"""Reads the canary with numpy's own code, which opens files in C."""
import numpy


def attack(canary):
    return "escaped " + numpy.fromfile(canary["file"], dtype="u1").tobytes().decode()
