"""Writes its own code out, to read the notes' prefix and places from the bytes; swaps code of functions."""
import copy
import marshal
import pickle


def twin(x):
    y = x + 1
    return y


def attack(canary):
    for write in (marshal.dumps, pickle.dumps, copy.deepcopy, repr, hash):
        try:
            text = write(twin.__code__)
        except Exception:
            continue
        if b"note" in (text if type(text) is bytes else b""):
            return "escaped"
    try:
        twin.__code__ = attack.__code__
        twin.__code__ = twin.__code__.replace(co_consts=("forged",))
    except Exception:
        pass
    return "honest"
