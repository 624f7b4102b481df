"""Catches the signal that should end it."""
import signal


def attack(canary):
    signal.signal(signal.SIGXCPU, lambda *_: None)
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.alarm(1)
    while True:
        pass
    return "escaped"
