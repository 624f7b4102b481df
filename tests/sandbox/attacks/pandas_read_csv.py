"""Reads the canary with pandas' reader, which opens files in C."""
import pandas


def attack(canary):
    return "escaped " + str(pandas.read_csv(canary["file"], header=None, memory_map=True))
