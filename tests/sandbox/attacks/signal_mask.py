"""Blocks every signal and loops."""
import signal


def attack(canary):
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    while True:
        pass
    return "escaped"
