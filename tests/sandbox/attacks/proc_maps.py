"""Reads its own memory map."""
import os


def attack(canary):
    return "escaped " + open("/proc/self/maps").read()
    return "escaped"
