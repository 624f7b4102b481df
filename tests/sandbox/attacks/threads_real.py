"""Digs out the function that starts real threads, which stands behind those that take turns."""
import sys
import threading


def attack(canary):
    ran = []
    named = [value for value in vars(threading.Thread).values() if callable(value)]
    starters = [value for name, value in vars(sys.modules["_thread"]).items() if "start" in name]
    starters += [cell.cell_contents for function in named for cell in getattr(function, "__closure__", None) or ()]
    for start in starters:
        try:
            start(lambda: [ran.append(1) for _ in iter(int, 1)], ())
        except Exception:
            continue
    while not ran:
        pass
    return "escaped"
