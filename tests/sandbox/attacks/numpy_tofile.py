"""Writes the canary with numpy's own code."""
import numpy


def attack(canary):
    numpy.frombuffer(b"owned", dtype="u1").tofile(canary["file"])
    numpy.save(canary["folder"] + "/new.npy", numpy.zeros(3))
    return "escaped"
