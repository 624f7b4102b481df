# Kind J: names bound by case, except ... as, :=, for, with, import, del.
# call: f([4, 2, 7])
def f(xs):
    low = xs[0]
    for x in xs:
        match x:
            case low if x < 3:
                pass
            case _:
                low = low + 1
    return low
# ---
# call: f(['1', 'x', '3'])
def f(words):
    e = 5
    total = 0
    for w in words:
        try:
            total += int(w)
        except ValueError as e:
            total -= 1
    return total
# ---
# call: f([1, 5, 9])
def f(xs):
    best = 10
    while xs and (best := xs.pop()) > 4:
        pass
    return best
# ---
# call: f('a1b22')
def f(s):
    n = 0
    if any((n := int(c)) for c in s if c.isdigit()):
        return n
    return -n
# ---
# call: f(3)
def f(n):
    if (m := n * 2) > 5 and (n := m + 1):
        return m, n
    return None
# ---
# call: f([3, 1])
def f(xs):
    i = 100
    total = sum(i for i in xs)
    for i, x in enumerate(xs):
        total += i * x
    return i, total
# ---
# call: f('x=1;y=2')
def f(s):
    out = {}
    for part in s.split(';'):
        (key, value), *_ = [part.split('=')]
        out[key] = value
    return out
# ---
# call: f([2, 3])
def f(xs):
    d = {}
    for d['k'] in xs:
        d['s'] = d.get('s', 0) + d['k']
    return d
# ---
# call: f(1)
def f(n):
    x = n
    class C:
        x = 10
        y = x + 1
    return x, C.y
# ---
# call: f([7, 7])
def f(xs):
    [a, b] = xs
    a = b = a + b
    del b
    return a
# ---
# call: f([1, 2, 4, 7])
def f(xs):
    count = 0
    for a, b in zip(xs, xs[1:]):
        if b - a > 1:
            count += 1
    return count >= 2
# ---
# call: f('Hello')
def f(s):
    return len(s) % 3
# ---
# call: f([3, 1, 2])
def f(n):
    try:
        n = sum(n)
        n = n // 0
    except ZeroDivisionError as n:
        kind = type(n).__name__
    return kind
# ---
# call: f([5, 4, 10])
def f(xs):
    top = 100
    for x in xs:
        if (top := x) > 9:
            break
    else:
        top = -1
    return top
# ---
# call: f(['a=1', 'b', 'c=3'])
def f(rows):
    k = 'z'
    d = {}
    for row in rows:
        match row.split('='):
            case [k, v]:
                d[k] = int(v)
            case [k]:
                pass
    return k, d
# ---
# call: f('a1b2')
import re
def f(s):
    n = 0
    while (m := re.search(r'\d', s)) is not None:
        n += int(m.group())
        s = s[m.end():]
    return n, s
# ---
# call: f([1, 5, 2])
def f(xs):
    lo = hi = xs[0]
    for lo, hi in zip(xs, xs[1:]):
        if lo > hi:
            break
    return lo, hi
# ---
# call: f(3)
def f(n):
    class n:
        v = 4
    del n
    n = 7
    import math as n
    return n.floor(2.5)
# ---
# call: f([3, 4])
def f(xs):
    x = 10
    ys = [x for x in xs]
    zs = [y for y in xs if (x := y) > 3]
    return x, ys, zs
# ---
# call: f([[1, 2], [3, 4]])
def f(pairs):
    total = 9
    for i, (a, *rest) in enumerate(pairs):
        total = a - i
        total, rest = rest[0], total
    return total, rest
