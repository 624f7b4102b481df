# f(3)
def numbers(n):
    for k in range(n):
        got = yield k * 2
        if got:
            return 'stopped'
def f(n):
    found = []
    g = numbers(n)
    for value in g:
        found.append(value)
    h = numbers(n)
    next(h)
    try:
        h.send(1)
    except StopIteration as end:
        found.append(end.value)
    return found
