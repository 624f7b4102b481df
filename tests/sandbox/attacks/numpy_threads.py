"""Has numpy multiply until its threads outlive the call."""
import numpy


def attack(canary):
    a = numpy.ones((900, 900))
    while True:
        a = a @ a / 900
    return "escaped"
