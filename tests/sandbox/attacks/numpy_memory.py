"""Asks numpy for more memory than there is to be had."""
import numpy


def attack(canary):
    kept = [numpy.ones(1 << 28) for _ in range(8)]
    return "escaped " + str(len(kept))
