"""Raises its own limits."""
import resource


def attack(canary):
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    return "escaped"
