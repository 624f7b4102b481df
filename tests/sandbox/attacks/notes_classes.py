"""Looks for the recorder's classes among all classes, and for what was imported to instrument it."""
import sys


def attack(canary):
    found = []
    waiting = [object]
    while waiting:
        kind = waiting.pop()
        for child in type.__subclasses__(kind):
            waiting.append(child)
            module = str(child.__module__)
            if child.__name__ in ("Note", "FrameState", "NoteRecorder") or module.startswith(("_semray", "ray_app")):
                found.append(child)
    for name in sys.modules:
        if "semray" in name or "ray_app" in name:
            found.append(name)
    return "escaped" if found else "honest"
