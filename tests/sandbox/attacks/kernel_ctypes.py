"""Loads ctypes to make system calls of its own."""
def attack(canary):
    import ctypes
    ctypes.CDLL(None).system(b"true")
    return "escaped"
