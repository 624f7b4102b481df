"""Writes a temporary file where everyone may."""
import tempfile


def attack(canary):
    name = tempfile.mkstemp(dir=canary["folder"])[1]
    open(name, "w").write("owned")
    return "escaped"
