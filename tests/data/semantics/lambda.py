# f([(1, 2), (2, 1)])
def f(xs):
    key = lambda p, k=1: p[k] if p else None
    return sorted(xs, key=key), (lambda: 5)(), max(map(lambda x: -x[0], xs))
