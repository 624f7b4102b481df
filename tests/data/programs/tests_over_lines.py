# Kind B: tests over several lines.
# call: f(4, 9)
def f(a, b):
    if (
        a > 2
        and b > 8
        and a + b > 20
    ):
        return 'big'
    return 'small'
# ---
# call: f([3, 8, 12, 15])
def f(xs):
    kept = []
    for x in xs:
        if (x % 3 == 0 and
                x > 5):
            kept.append(x)
        elif (x % 2 == 0
              or x == 15):
            kept.append(-x)
    return kept
# ---
# call: f(10)
def f(n):
    steps = 0
    while (n > 1
           and steps < 4):
        n = n // 2
        steps += 1
    return n, steps
# ---
# call: f('Ab1')
def f(s):
    ok = (
        s[0].isupper()
        and s[1].islower()
        and not s[-1].isalpha()
    )
    return 'yes' if (
        ok
    ) else 'no'
# ---
# call: f([1, 2, 3], 2)
def f(xs, k):
    if any(
        x == k
        for x in xs
    ):
        return k
    return None
# ---
# call: f({'a': 1, 'b': 0})
def f(d):
    total = 0
    for key in d:
        if not (
            d[key]
        ):
            continue
        total += d[key]
    return total
# ---
# call: f(5)
def f(n):
    if n < 0 or \
            n > 3 and \
            n != 4:
        n = n * 2
    return n
# ---
# call: f([2, 7])
def f(xs):
    assert (
        len(xs) == 2
        and xs[0] < xs[1]
    ), 'order'
    return xs[1] - xs[0]
# ---
# call: f('x', None)
def f(a, b):
    if (a is not None and
        b is None and
        (a == 'y' or
         len(a) == 1)):
        return a * 3
    return b
# ---
# call: f(6, 6)
def f(x, y):
    if x < y: r = 1
    elif (x
          > y): r = 2
    else: r = 3
    return r
# ---
# call: f([2, 5, 8, 11])
def f(xs):
    n = 0
    for x in xs:
        if (
            x % 2 == 0
            and x > 2
            or x == 11
        ):
            n += x
    return n
# ---
# call: f('ab', 3)
def f(s, k):
    if not (
        len(s) > k
        or s.startswith('b')
    ) and \
       s:
        return s * k
    return ''
# ---
# call: f(7)
def f(n):
    while (n > 1
           and n % 5
           != 0):
        n -= 1
    return n
# ---
# call: f([1, 2, 3], 2)
def f(xs, t):
    return [
        x
        for x in xs
        if x >= t
        and x
        < 3
    ]
# ---
# call: f(3, 4)
def f(a, b):
    assert (
        a < b
    ), (
        'bad'
    )
    return (a
            if a * a > b
            else b)
# ---
# call: f({'x': 1, 'y': 5}, 'y')
def f(d, k):
    if k in d and (
        d[k] > 3
        if k == 'y'
        else d[k] < 3
    ):
        return 'hit'
    elif (
        not d
    ):
        return 'empty'
    return 'miss'
# ---
# call: f([3, -1, 4])
def f(xs):
    total = 0
    for x in xs:
        total += (
            x
            if x > 0
            else -x
        )
        if total \
                > 5:
            break
    return total
# ---
# call: f('hello world')
def f(s):
    return {
        w[0]: len(w)
        for w in s.split()
        if (
            len(w) > 3
        )
    }
# ---
# call: f(4, [1, 2])
def f(n,
      xs=None,
      *,
      k=2):
    if (xs is not None and
            any(x > 1
                for x in xs)):
        xs.append(n *
                  k)
    return xs
# ---
# call: f(10)
def f(n):
    while True if n > 7 else n % 2 == 1: n -= 1
    return n
