"""Lists the canary's folder."""
import os


def attack(canary):
    return "escaped " + str(os.listdir(canary["folder"]))
    return "escaped"
