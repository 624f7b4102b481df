"""Starts threads that go on after the answer."""
import threading


def attack(canary):
    threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
    return "escaped"
