# Kind F: the last write is not the last change that decides.
# call: f([1, 5, 2])
def f(xs):
    best = 0
    for x in xs:
        if x > best:
            best = x
        x = -1
    return best
# ---
# call: f('abca')
def f(s):
    last = ''
    out = []
    for c in s:
        if c != last:
            out.append(c)
        last = c
    last = 'end'
    return ''.join(out)
# ---
# call: f(4)
def f(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a
# ---
# call: f([3, 4])
def f(xs):
    total = 0
    for x in xs:
        total += x
    result = total * 2
    total = 0
    return result
# ---
# call: f(6)
def f(n):
    x = n
    y = x + 1
    x = 99
    del x
    return y
# ---
# call: f(['b', 'a'])
def f(names):
    first = names[0]
    names.sort()
    return first + names[0]
# ---
# call: f(2)
def f(n):
    def inner():
        nonlocal n
        n += 5
        return n
    before = n
    inner()
    inner()
    return before * 10 + n
# ---
# call: f([2, 2, 3])
def f(xs):
    seen = set()
    for x in xs:
        if x in seen:
            answer = x
            break
        seen.add(x)
    x = None
    return answer
# ---
# call: f('ab', 3)
def f(s, k):
    out = s
    while len(out) < k:
        out = s + out
    s = out
    out = out[:k]
    return out
# ---
# call: f({'a': 1})
def f(d):
    d['a'] += 1
    d['b'] = d['a']
    d['a'] = 0
    return d['b']
# ---
# call: f([1, 2, 3])
def f(xs):
    best = 0
    for x in xs:
        best = x
    best = best * 1
    return best
# ---
# call: f(5)
def f(n):
    x = n
    if x > 3:
        x = 3
    x = min(x, 4)
    return x
# ---
# call: f('abc')
def f(s):
    last = ''
    for ch in s:
        if ch != 'c':
            last = ch
        last = last
    return last + '!'
# ---
# call: f([2, 2, 2])
def f(xs):
    total = 0
    for x in xs:
        total += x
        total %= 4
    total = total or 7
    return total
# ---
# call: f([4, 4], 1)
def f(xs, i):
    xs[i] = 9
    xs[0] = xs[0]
    ys = xs
    ys[1] = 3
    return xs
# ---
# call: f({'a': 1})
def f(d):
    d['a'] = 1
    d['b'] = 2
    d['a'] = 1
    x = d['a']
    x = x
    return d, x
# ---
# call: f([3, 1])
def f(xs):
    r = xs[0]
    for x in xs:
        r = max(r, x)
    else:
        r = r
    return r
# ---
# call: f('aab')
def f(s):
    seen = set()
    for c in s:
        seen.add(c)
    seen.add('a')
    return len(seen)
# ---
# call: f(4)
def f(n):
    a, b = n, n
    a = b = a
    b += 0
    return a + b
# ---
# call: f([1, 2, 3])
def f(xs):
    out = []
    for x in xs:
        out = out + [x] if x != 2 else out
    return out
