# Kind I: nested break, decorators, generators, recursion.
# call: f([[1, 2], [3, 9], [5]])
def f(rows):
    found = None
    for row in rows:
        for x in row:
            if x > 4:
                found = x
                break
        else:
            continue
        break
    return found
# ---
# call: f(3)
def twice(g):
    def inner(x):
        return g(g(x))
    return inner

@twice
def f(x):
    return x * 2 + 1
# ---
# call: list(f(4))
def f(n):
    a = 1
    while a <= n:
        got = yield a
        a *= 2
# ---
# call: f(5)
import functools

@functools.lru_cache(maxsize=None)
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)

def f(n):
    return fib(n)
# ---
# call: f('abc')
def chars(s):
    for c in s:
        yield c
    return 'end'

def outer(s):
    result = yield from chars(s)
    yield result

def f(s):
    return list(outer(s))
# ---
# call: f([3, 1, 2])
def f(xs):
    n = len(xs)
    for i in range(n):
        for j in range(n - i - 1):
            if xs[j] > xs[j + 1]:
                xs[j], xs[j + 1] = xs[j + 1], xs[j]
    return xs
# ---
# call: f(4)
def f(n):
    def even(k):
        return True if k == 0 else odd(k - 1)
    def odd(k):
        return False if k == 0 else even(k - 1)
    return even(n)
# ---
# call: f(3)
def counted(prefix):
    def wrap(g):
        calls = []
        def inner(*args):
            calls.append(prefix + str(args[0]))
            return g(*args), list(calls)
        return inner
    return wrap

@counted('n')
def g(x):
    return x + 1

def f(x):
    g(x)
    return g(x + 1)
# ---
# call: f()
def f():
    def gen():
        x = 0
        while True:
            x = (yield x) or x + 1
    it = gen()
    next(it)
    a = it.send(10)
    b = next(it)
    it.close()
    return a, b
# ---
# call: f([1, 2, 3, 4])
def f(xs):
    pairs = [(a, b) for a in xs for b in xs if a < b if (a + b) % 2]
    return {a: b for a, b in pairs}
# ---
# call: f([[1, 2], [3, -1], [4]])
def f(rows):
    total = 0
    for row in rows:
        for x in row:
            if x < 0:
                break
            total += x
        else:
            continue
        break
    return total
# ---
# call: f(4)
import functools
def twice(fn):
    @functools.wraps(fn)
    def inner(*args):
        return fn(fn(*args))
    return inner
@twice
def inc(x):
    return x + 3
def f(n):
    return inc(n)
# ---
# call: f(5)
from functools import lru_cache
@lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def f(n):
    return fib(n)
# ---
# call: f([1, [2, [3]], 4])
def flat(xs):
    for x in xs:
        if isinstance(x, list):
            yield from flat(x)
        else:
            yield x
def f(xs):
    return list(flat(xs))
# ---
# call: f(3)
def gen():
    total = 0
    while True:
        x = yield total
        if x is None:
            return total
        total += x
def f(n):
    g = gen()
    next(g)
    for i in range(n):
        last = g.send(i)
    try:
        next(g)
    except StopIteration as stop:
        return last, stop.value
# ---
# call: f('abcb')
def f(s):
    for i, c in enumerate(s):
        for d in s[i + 1:]:
            if c == d:
                return c, i
    return None
# ---
# call: f(3)
def repeat(k):
    def deco(fn):
        def wrapper(x):
            for _ in range(k):
                x = fn(x)
            return x
        return wrapper
    return deco
@repeat(2)
def dbl(x):
    return x * 2
def f(n):
    return dbl(n)
# ---
# call: f([3, 1, 2])
def f(xs):
    if len(xs) < 2:
        return xs
    p, *rest = xs
    return f([x for x in rest if x < p]) + [p] + f([x for x in rest if x >= p])
# ---
# call: f(3)
def f(n):
    def countdown(k):
        while k:
            got = yield k
            if got:
                k = got
            k -= 1
        return 'done'
    def outer():
        r = yield from countdown(n)
        yield r
    return list(outer())
# ---
# call: f([1, 2, 3])
def f(xs):
    gen = (x * x for x in xs if x != 2)
    first = next(gen)
    rest = list(gen)
    return first, rest, list(gen)
# ---
# call: f(4)
def f(n):
    def even(k):
        return True if k == 0 else odd(k - 1)
    def odd(k):
        return False if k == 0 else even(k - 1)
    return even(n)
# ---
# call: f(2)
class Counter:
    def __init__(self, fn):
        self.fn = fn
        self.calls = 0
    def __call__(self, *a):
        self.calls += 1
        return self.fn(*a)
@Counter
def inc(x):
    return x + 1
def f(n):
    before = inc.calls
    v = inc(inc(n))
    return v, inc.calls - before
# ---
# call: f([[1, 2], [3, 4]])
def f(m):
    for r in m:
        for c in r:
            if c == 2:
                continue
            for k in range(c):
                if k == 1:
                    break
                m[0][0] += k + 1
            else:
                m[1][1] += 10
    return m
# ---
# call: f(3)
class Tree:
    def __init__(self, v, kids=()):
        self.v = v
        self.kids = kids
    def __iter__(self):
        yield self.v
        for k in self.kids:
            yield from k
def f(n):
    t = Tree(n, [Tree(n + 1), Tree(n + 2)])
    return [x for x in t], max(t)
# ---
# call: f(4)
def memo(fn):
    cache = {}
    def inner(n):
        if n not in cache:
            cache[n] = fn(n)
        return cache[n]
    return inner
@memo
def tri(n):
    return n and n + tri(n - 1)
def f(n):
    return tri(n)
