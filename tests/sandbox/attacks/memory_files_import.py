"""Imports a planted module from the canary's folder, past the files in memory."""
import importlib.util
import sys


def attack(canary):
    sys.path.insert(0, canary["folder"])
    spec = importlib.util.spec_from_file_location("planted", canary["folder"] + "/planted.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return "escaped"
