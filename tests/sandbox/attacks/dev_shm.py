"""Leaves a message in shared memory for others."""
from multiprocessing import shared_memory


def attack(canary):
    shared_memory.SharedMemory("canary", create=True, size=100)
    return "escaped"
