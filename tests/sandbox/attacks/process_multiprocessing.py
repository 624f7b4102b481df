"""Starts a worker process."""
import multiprocessing


def attack(canary):
    worker = multiprocessing.Process(target=print)
    worker.start()
    return "escaped"
