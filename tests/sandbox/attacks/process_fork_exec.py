"""Calls the C function below subprocess, which has no checks."""
import subprocess


def attack(canary):
    import _posixsubprocess
    assert _posixsubprocess.fork_exec([b"/bin/true"], [b"/bin/true"], True, (), None, None, -1, -1, -1, -1, -1, -1, -1, -1, True, True, 0, None, None, None, -1, None, False) > 0
    return "escaped"
