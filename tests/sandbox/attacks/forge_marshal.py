"""Loads crafted bytecode."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    import marshal
    exec(marshal.loads(marshal.dumps(compile("1", "x", "exec"))))
