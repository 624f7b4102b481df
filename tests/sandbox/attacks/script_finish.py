"""Replaces what ends a whole program, to say an exit code and a text of its own."""
import gc
import sys


def attack(canary):
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("_world"):
            return "escaped " + module.__name__
    world = open.__globals__
    world["system"].nodes["/canary"] = world["Node"](bytearray(b"owned"))
    world["MOST_BYTES"] = 1 << 60
    return "escaped " + open(canary["file"]).read()
