# Kind P: calls that raise, and what causes it.
# call: f([1, 0, 2])
def f(xs):
    total = 10
    for x in xs:
        total = total // x
    return total
# ---
# call: f({'a': 1}, 'b')
def f(d, key):
    a = d['a']
    return d[key] + a
# ---
# call: f([1, 2], 2)
def f(xs, i):
    n = 7
    return xs[i] * n
# ---
# call: f('12', 3)
def f(s, n):
    m = 5
    return s + n
# ---
# call: f(None)
def f(x):
    y = 4
    return x.upper() * y
# ---
# call: f(-1)
def check(n):
    if n < 0:
        raise ValueError(f'negative: {n}')
    return n

def f(n):
    k = 3
    return check(n) + k
# ---
# call: f('3x')
def f(s):
    a = 2
    try:
        n = int(s)
    except ValueError as e:
        raise TypeError('not a number') from e
    return n * a
# ---
# call: f([3, 4])
def f(xs):
    a, b, c = xs
    return a
# ---
# call: f([])
def f(xs):
    low = 1
    return min(xs) + low
# ---
# call: f(3)
def f(n):
    assert n % 2 == 0, 'odd'
    return n
# ---
# call: f([1])
def f(xs):
    it = iter(xs)
    next(it)
    k = 5
    return next(it) + k
# ---
# call: f(2)
class Bad:
    def __init__(self, n):
        self.n = n
    def __add__(self, other):
        if self.n < 3:
            raise RuntimeError('too small')
        return self.n + other

def f(n):
    b = Bad(n)
    q = 8
    return b + q
# ---
# call: f([1, 'a'])
def f(xs):
    t = 0
    for x in xs:
        t += x
    return t
# ---
# call: f({'a': 1})
def f(d):
    x = d['a']
    return d['b'] + x
# ---
# call: f(3)
def f(n):
    d = {1: 'a'}
    return [n] * d
# ---
# call: f([])
def f(xs):
    if not xs:
        m = max(xs)
    return m
# ---
# call: f('abc')
def f(s):
    n = len(s)
    return s.index('z') + n
# ---
# call: f(None)
def f(x):
    y = 5
    return x.strip() + y
# ---
# call: f([1, 2])
def f(xs):
    a, b, c = xs
    return a
# ---
# call: f(3)
def f(n):
    if n > 2:
        raise ValueError(f'too big: {n}') from KeyError('k')
    return n
# ---
# call: f('x')
def f(s):
    try:
        int(s)
    except ValueError:
        undefined_name + 1
    return s
# ---
# call: f([3, 2])
def f(xs):
    i = 5
    xs.pop()
    xs.remove(i)
    return xs
# ---
# call: f(2)
def g(n):
    if n == 0:
        raise RuntimeError('deep')
    return g(n - 1)
def f(n):
    return g(n) + 1
# ---
# call: f(5)
def f(n):
    x = [1, 2]
    x[n] = 3
    return x
# ---
# call: f('5')
def f(a):
    b = 2
    return a + b
# ---
# call: f((1, 2))
def f(t):
    t[0] = 5
    return t
# ---
# call: f(0)
def f(n):
    total = 10
    assert n > 0, f'n must be positive, got {n}'
    return total / n
# ---
# call: f({'a': [1, 2]})
def f(d):
    s = 0
    for k in d:
        s += d[k][2]
    return s
# ---
# call: f([1, 2])
def f(xs):
    it = iter(xs)
    a = next(it)
    b = next(it)
    c = next(it)
    return a + b + c
# ---
# call: f('ab')
def f(s):
    x = s.upper()
    return x.foo
# ---
# call: f(3)
def f(n):
    def g(a, b):
        return a + b
    return g(n)
# ---
# call: f([3, 1])
def f(xs):
    y = xs.sort()
    return y[0]
# ---
# call: f(5)
def f(n):
    if n > 3:
        n = n - 1
        count += n
    return count
# ---
# call: f({1: 2})
def f(d):
    for k in d:
        d[k + 1] = 0
    return d
# ---
# call: f('12a')
def f(s):
    nums = [int(c) for c in s]
    return sum(nums)
# ---
# call: f([1, None])
def f(xs):
    return max(xs) + 1
# ---
# call: f(2)
class A:
    def __init__(self, n):
        self.n = n
        if n > 1:
            raise ValueError('too many', n)
def f(n):
    a = A(n)
    return a.n
# ---
# call: f(1)
def f(n):
    try:
        raise KeyError(n)
    except KeyError as e:
        raise RuntimeError('wrapped') from e
# ---
# call: f([])
def f(xs):
    avg = sum(xs) / len(xs)
    return avg
# ---
# call: f((1, 2))
def f(t):
    t += (3,)
    t[0] += 1
    return t
# ---
# call: f(4)
def f(n):
    return 'a' * n + n
# ---
# call: f({'a': 1})
def f(d):
    del d['a']
    del d['b']
    return d
# ---
# call: f(3)
def gen(n):
    for i in range(n):
        if i == 2:
            raise ValueError('stop at 2')
        yield i
def f(n):
    return [x * 2 for x in gen(n)]
# ---
# call: f('x')
def f(s):
    a, b = s
    return a
# ---
# call: f(7)
def f(n):
    for i in range(3):
        n = n - 3
        assert n > 0, ('low', i)
    return n
# ---
# call: f([1])
def f(xs):
    ys = {xs: 1}
    return ys
# ---
# call: f(3)
def f(n):
    import math
    return math.sqrt(-n)
# ---
# call: f(3)
def gen(n):
    for i in range(n):
        if i == 2:
            raise ValueError('two')
        yield i
def f(n):
    t = 0
    for x in gen(n):
        t += x
    return t
# ---
# call: f(3)
def gen(n):
    for i in range(n):
        if i == 2:
            raise ValueError('two')
        yield i
def f(n):
    t = 0
    try:
        for x in gen(n):
            if x == 0:
                continue
            t += x
    except KeyError:
        t = -1
    except ValueError as e:
        t += 10
    finally:
        t += 100
    return t
# ---
# call: f([1, 2, 3])
def f(xs):
    out = []
    try:
        for a, b in [(1, 2), (3,), (4, 5)]:
            out.append(a)
    except ValueError:
        out.append('bad')
    return out
# ---
# call: f(2)
class CM:
    def __enter__(self):
        return 1
    def __exit__(self, *a):
        raise RuntimeError('exit')
def f(n):
    x = 0
    try:
        with CM() as c:
            x = c + n
    except RuntimeError:
        x += 5
    return x
# ---
# call: f(0)
def f(n):
    while 10 // n > 2:
        n += 1
    return n
# ---
# call: f({'a': 1, 'b': 2})
def f(d):
    try:
        for k in d:
            if k == 'a':
                del d['b']
    except RuntimeError as e:
        return str(e)
    return 'ok'
# ---
# call: f([Node(1), Node(2)])
class Node:
    def __init__(self, v):
        self.v = v
        self.next = None
def f(nodes):
    total = 0
    while nodes:
        n = nodes.pop()
        total += n.v
    return total
# ---
# call: f([3, 1])
class It:
    def __init__(self, xs):
        self.xs = xs
        self.i = 0
    def __iter__(self):
        return self
    def __next__(self):
        if self.i >= len(self.xs):
            raise StopIteration
        self.i += 1
        return self.xs[self.i - 1]
def f(xs):
    t = 0
    for x in It(xs):
        t = t * 10 + x
    return t
# ---
# call: f('ab')
def f(s):
    it = iter(s)
    out = []
    while (c := next(it, None)) is not None:
        out.append(c)
    return ''.join(reversed(out))
# ---
# call: f(4)
def f(n):
    total = 0
    i = n
    while i:
        i -= 1
        if i % 2: continue
        total += i
    else:
        total *= 2
    return total
