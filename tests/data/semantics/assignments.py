# f({'z': 1}, [1, 2, 3])
def f(d, xs):
    a = b = [0, 0]
    (c, *rest), e = xs, 1
    a[e] += c
    d['k'] = d.get('k', 0)
    d['k'] += 1
    xs[1:2] += [9]
    xs[0], xs[1] = xs[1], xs[0]
    n: int = 4
    n <<= 1
    del d['z'], rest[0]
    assert n > 1, 'no'
    return a, b, c, rest, d, xs, n
