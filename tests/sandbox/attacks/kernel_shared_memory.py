"""Grows its memory by mapping shared pages."""
import mmap


def attack(canary):
    parts = [mmap.mmap(-1, 1 << 26) for _ in range(64)]
    return "escaped"
