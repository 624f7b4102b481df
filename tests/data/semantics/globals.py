# f(5)
'''Module text.'''
from __future__ import annotations
LIMIT: int = 3
seen = []
total = 0
def add(x):
    global total
    if len(seen) < LIMIT:
        seen.append(x)
        total += x
def f(n):
    for i in range(n):
        add(i)
    return total, seen, __doc__
