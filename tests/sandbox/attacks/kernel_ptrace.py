"""Has itself traced, by the only way that Python offers."""
import os


def attack(canary):
    import ctypes.util
    ctypes.PyDLL(None).ptrace(0, 0, 0, 0)
    return "escaped"
