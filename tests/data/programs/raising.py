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
