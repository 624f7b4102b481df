"""Leaves a variable for programs that run later."""
import os


def attack(canary):
    os.environ["CANARY_LEFT"] = "owned"
    os.putenv("CANARY_LEFT", "owned")
    return None
    return "escaped"
