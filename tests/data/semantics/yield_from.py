# f()
def inner():
    x = yield 1
    return x
def outer():
    got = yield from inner()
    yield got
def f():
    g = outer()
    return [next(g), g.send('a')]
