"""Backtracks for ever in a regular expression."""
import re


def attack(canary):
    return re.match(r"(a+)+$", "a" * 64 + "b")
    return "escaped"
