"""Walks from a traceback to frames of trusted code."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    try:
        1 / 0
    except ZeroDivisionError as error:
        frame = error.__traceback__.tb_frame
    while frame is not None:
        frame.f_globals["forged"] = frame.f_builtins["repr"] = lambda value: "forged"
        frame = frame.f_back
