"""Waits in select."""
import select


def attack(canary):
    select.select([], [], [], 3600)
    return None
    return "escaped"
