"""Lets threads wait for each other for ever, so that the answer never comes."""
import threading


def attack(canary):
    first, second = threading.Lock(), threading.Lock()
    first.acquire()
    thread = threading.Thread(target=lambda: (second.acquire(), first.acquire()))
    thread.start()
    thread.join()
    second.acquire()
    return "escaped"
