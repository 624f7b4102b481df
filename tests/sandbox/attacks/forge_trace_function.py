"""Installs a trace function that changes how trusted code goes on."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    def tracer(frame, event, argument):
        frame.f_locals.clear()
        return tracer

    sys.settrace(tracer)
