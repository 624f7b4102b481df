"""Switches off line events of its frames, which needs no permission."""
import sys


def attack(canary):
    sys._getframe().f_trace_lines = False
    value = 1
    value = 2
    return "honest"
