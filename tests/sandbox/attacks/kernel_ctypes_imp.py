"""Loads the ctypes extension again from the import system."""
import sys


def attack(canary):
    import _imp
    import importlib.machinery as machinery
    for name in ("_ctypes", "_semray_tracer"):
        for origin in (None, "", "/usr/lib/python3/lib-dynload/_ctypes.so"):
            spec = machinery.ModuleSpec(name, None, origin=origin)
            try:
                return "escaped " + repr(_imp.create_dynamic(spec))
            except (ImportError, TypeError, OSError):
                continue
    return None
