# f(3, 5)
def f(x, w):
    a = f'{x!r:>{w}}|{x + 1}|{"y"}'
    b = '%s-%d' % (a, x)
    return a, b, '{}'.format(b), 'k' 'l'
