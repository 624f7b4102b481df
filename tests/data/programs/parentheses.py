# Kind G: constraints that need parentheses.
# call: f(True, 3)
def f(a, b):
    return a or b == 7
# ---
# call: f(-4)
def f(n):
    return 'neg' if n < 0 else 'pos'
# ---
# call: f(2, 3)
def f(x, y):
    return x + y if x < y else x - y
# ---
# call: f([1, 2], 2)
def f(xs, k):
    return not k in xs
# ---
# call: f(6)
def f(n):
    return n & 3 == 2, n | 1
# ---
# call: f('ab')
def f(s):
    return (lambda t: t * 2)(s) or 'none'
# ---
# call: f(0, [])
def f(a, b):
    return a or b or 'last'
# ---
# call: f(5)
def f(n):
    return 1 < n <= 5 != 3
# ---
# call: f(3)
def f(n):
    return -n ** 2
# ---
# call: f({'k': (1, 2)})
def f(d):
    return d['k'][0] if 'k' in d else None, len(d)
# ---
# call: f(3, 5)
def f(a, b):
    return a + b * 2 == 13 or a - (b - 1) > 0
# ---
# call: f(-2)
def f(n):
    sign = 'neg' if n < 0 else 'pos'
    return sign + ('!' if n % 2 else '?')
# ---
# call: f(2, 3)
def f(a, b):
    return -a ** b, (-a) ** b, not a == b, (not a) == b
# ---
# call: f([1, 0])
def f(xs):
    return (xs or [2])[0] and not xs[-1]
# ---
# call: f(6)
def f(n):
    g = lambda x: (x, x + 1) if x > 2 else x
    return g(n)[1] - (1 if n else 2)
# ---
# call: f(5, 2)
def f(a, b):
    return a - (b - 1) * 2, (a - b) - 1, a % b ** 2, -(a // -b)
# ---
# call: f(True, 0)
def f(p, q):
    return (p and not q) == (not (q or not p)), p and q or 3
# ---
# call: f(6)
def f(n):
    return (lambda k: k if k > 5 else -k)(n) if n % 2 == 0 else (n, n)
# ---
# call: f([1, 2], [3])
def f(a, b):
    return (a + b)[-1] * (len(a) - len(b)), [*(a or b), *b]
# ---
# call: f(3)
def f(x):
    return 0 <= x < 10 and not (x < 5) or x in (1, 3)
