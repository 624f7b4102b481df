# f(1, 3, 2)
def f(a, b, c):
    return a < b < c, a < b > c, b in [a, b], c not in (a, b), a is not b
