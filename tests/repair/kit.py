"""Bugs for tests: two versions of a function `f` and a call, recorded for real."""

import functools

from ray_app.repair.bug import Bug
from ray_app.semantics.record import Run
from tests.semantics.local import record

_EVENTS = 1_500


def recorded(code: str, call: str) -> Run:
    """The record of a call; one without an end is cut."""
    return record(code, call, events=_EVENTS, partial=True)


@functools.cache
def bug(fixed: str, old: str, new: str, call: str) -> Bug:
    """The bug that comes from writing `new` for `old` in a program."""
    assert old in fixed
    return Bug(recorded(fixed.replace(old, new), call), recorded(fixed, call))


TOTAL = """def f(xs):
    total = 0
    for x in xs:
        if x > 0:
            total += x
    return total
"""
INDEX = """def f(xs):
    out = ''
    for i in range(len(xs)):
        out = out + xs[i]
    return out
"""
GUARD = """def f(n):
    if n < 0:
        return 0
    n = n * 2
    return n + 1
"""
ALIAS = """def f(xs):
    ys = xs[:]
    ys.append(9)
    return xs + ys
"""
POWER = """def f(a, n):
    if n == 0:
        return 1
    return a * f(a, n - 1)
"""
BITS = """def f(n):
    count = 0
    while n:
        n &= n - 1
        count += 1
    return count
"""
GCD = """def f(a, b):
    if b == 0:
        return a
    return f(b, a % b)
"""

COMMON = """def f(xs, ys):
    out = []
    for x in xs:
        if x in ys:
            out.append(x)
    return out
"""

POPPED = """def f(xs):
    xs = xs[:]
    if xs:
        xs.pop()
    return xs
"""

BUGS = {
    "state": (TOTAL, "total += x", "total -= x", "f([3, -1, 4])"),
    "test": (TOTAL, "x > 0", "x > 3", "f([3, -1, 4])"),
    "loop": (INDEX, "range(len(xs))", "range(1, len(xs))", "f('abc')"),
    "raise": (INDEX, "range(len(xs))", "range(len(xs) + 1)", "f('ab')"),
    "return": (GUARD, "return n + 1", "return n - 1", "f(2)"),
    "branch": (GUARD, "    if n < 0:\n        return 0\n", "", "f(-4)"),
    "emptied": (POPPED, "    if xs:\n        xs.pop()\n", "", "f([7])"),
    "condition": (COMMON, "        if x in ys:\n            out.append(x)", "        out.append(x)", "f([1, 2], [2])"),
    "range": (INDEX, "range(len(xs))", "range(len(xs) - 1)", "f('ab')"),
    "alias": (ALIAS, "xs[:]", "xs", "f([1])"),
    "call": (POWER, "n - 1", "n - 2", "f(3, 2)"),
    "endless": (BITS, "n &= n - 1", "n ^= n - 1", "f(5)"),
    "too deep": (GCD, "f(b, a % b)", "f(a % b, b)", "f(3, 12)"),
}
"""Name to (fixed program, what it says, what the buggy one says, call)."""
