"""Makes numpy's memory executable and jumps there."""
import mmap
import numpy


def attack(canary):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    numpy.frombuffer(page, dtype="u1")[:1] = 0xC3
    return "escaped"
