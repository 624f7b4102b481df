"""Digs out the system calls that stand behind the files in memory."""
import gc
import os


def attack(canary):
    import posix
    found = [posix.open, os.open]
    for holder in (os, posix, __import__("importlib")._bootstrap_external._os):
        found += [value for name, value in vars(holder).items() if "open" in name and callable(value)]
    import _io
    found += [_io.FileIO, _io.open_code]
    for function in found:
        try:
            opened = function(canary["file"], os.O_RDONLY) if function is not _io.open_code else function(canary["file"])
            return "escaped " + (opened.read().decode() if hasattr(opened, "read") else os.read(opened, 100).decode())
        except Exception:
            continue
    return None
