"""Starts a thread that runs beside the program, and would go on after the answer."""
import threading


def attack(canary):
    ran = []
    threading.Thread(target=lambda: [ran.append(1) for _ in iter(int, 1)], daemon=True).start()
    while not ran:
        pass
    return "escaped"
