"""Walks up the frames to the code that records its result and changes what it finds."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    frame = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename not in (attack.__code__.co_filename, "<call>"):
            for value in frame.f_locals.values():
                if type(value) is list:
                    value.append("forged")
                if type(value) is memoryview:
                    value[:] = b"forged" * (len(value) // 6)
        frame = frame.f_back
