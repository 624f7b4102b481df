"""Waits for a lock that nobody releases."""
import _thread


def attack(canary):
    lock = _thread.allocate_lock()
    lock.acquire()
    lock.acquire(timeout=0.2)
    return None
    return "escaped"
