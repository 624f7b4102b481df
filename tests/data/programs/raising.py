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
