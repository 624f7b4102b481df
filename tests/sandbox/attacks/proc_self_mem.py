"""Writes its own memory through /proc."""
import os


def attack(canary):
    open("/proc/self/mem", "r+b").write(b"owned")
    return "escaped"
