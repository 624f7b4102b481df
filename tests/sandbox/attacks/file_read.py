"""Reads a file that everyone may read and returns its text."""
import os


def attack(canary):
    return "escaped " + open(canary["file"]).read()
    return "escaped"
