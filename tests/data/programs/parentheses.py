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
