"""Writes a table over the canary."""
import pandas


def attack(canary):
    pandas.DataFrame({"a": ["owned"]}).to_csv(canary["file"])
    pandas.DataFrame({"a": ["owned"]}).to_pickle(canary["folder"] + "/new.pickle")
    return "escaped"
