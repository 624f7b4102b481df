"""Leaves its working directory for the canary's and reads a relative path."""
import os


def attack(canary):
    os.chdir(canary["folder"])
    return "escaped " + open("canary.txt").read()
    return "escaped"
