"""Appends to the canary through pathlib."""
import pathlib


def attack(canary):
    with pathlib.Path(canary["file"]).open("a") as file:
        file.write("owned")
    return "escaped"
