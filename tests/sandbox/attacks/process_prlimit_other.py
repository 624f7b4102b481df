"""Limits a process outside."""
import resource


def attack(canary):
    resource.prlimit(canary["pid"], resource.RLIMIT_CPU, (0, 0))
    return "escaped"
