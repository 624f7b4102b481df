"""Writes a temporary file."""
import tempfile


def attack(canary):
    name = tempfile.mkstemp()[1]
    open(name, "w").write("owned")
    return "escaped"
