# Kind C: while True, with first statements of every kind.
# call: f([3, 1, 2])
def f(xs):
    i = 0
    while True:
        value = (
            xs[i]
            * 2
        )
        i += 1
        if value < 4:
            break
    return value, i
# ---
# call: f(3)
class Box:
    def __init__(self):
        self.n = 0
    def __enter__(self):
        self.n += 1
        return self
    def __exit__(self, *exc):
        return False

def f(limit):
    box = Box()
    while True:
        with box as b:
            if b.n == limit:
                return b.n * 100
# ---
# call: f('12a4')
def f(s):
    i, total = 0, 0
    while True:
        try:
            total += int(s[i])
        except ValueError:
            total += 10
        except IndexError:
            break
        i += 1
    return total
# ---
# call: f(20)
def f(n):
    while True:
        if n % 2 == 0: n //= 2
        else: break
    return n
# ---
# call: f(4)
def f(n):
    out = []
    while True:
        for i in range(n):
            out.append(i)
            if i == 1:
                break
        n -= 1
        if n < 3:
            return out
# ---
# call: f([5, 6, 7])
def f(xs):
    it = iter(xs)
    seen = 0
    while True:
        x = next(it, None)
        if x is None:
            break
        seen += x
    return seen
# ---
# call: f(3)
def f(n):
    while True:
        n -= 1
        while True:
            n -= 1
            break
        if n < 0:
            break
    return n
# ---
# call: f(2)
def f(n):
    count = 0
    while 1:
        count += 1; n *= 3
        if n > 20: break
    else:
        count = -1
    return count, n
# ---
# call: f('a,b,,c')
def f(s):
    parts = []
    while True:
        head, sep, s = s.partition(',')
        parts.append(head)
        if not sep:
            break
    return parts
# ---
# call: f(5)
def f(n):
    def step(x):
        return x - 2
    while True:
        n = step(n)
        if n < 0:
            return n
        continue
# ---
# call: f(27)
def f(n):
    steps = 0
    while True:
        if (
            n == 1
            or steps > 5
        ):
            break
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return n, steps
# ---
# call: f('a,b;c')
def f(s):
    out = []
    while True:
        with_sep = [c for c in s if c in ',;']
        if not with_sep:
            out.append(s)
            return out
        head, _, s = s.partition(with_sep[0])
        out.append(head)
# ---
# call: f([4, 0, 3])
def f(xs):
    it = iter(xs)
    total = 0
    while True:
        try:
            x = next(it)
        except StopIteration:
            break
        if not x:
            continue
        total += 12 // x
    return total
# ---
# call: f(10)
def f(n):
    while 1:
        for d in range(2, n):
            if n % d == 0:
                n = n // d
                break
        else:
            return n
# ---
# call: f([1, 2, 3, 4])
def f(q):
    k = 0
    while True:
        k += 1; q.append(q.pop(0) + k)
        while True:
            if q[0] % 2 == 0: break
            q[0] += 1
        if k >= 3: break
    return q
# ---
# call: f([1, 2, 3])
def f(xs):
    i = 0
    while True:
        match xs[i:]:
            case [x, *_] if x % 2 == 0:
                return i
            case []:
                return -1
        i += 1
# ---
# call: f(3)
def f(n):
    def tick():
        nonlocal n
        n -= 1
        return n
    log = []
    while True:
        log.append(tick())
        if not log[-1]:
            break
    return log
# ---
# call: f('3 + 4 * 2')
def f(s):
    toks = s.split()
    while True:
        for i, t in enumerate(toks):
            if t == '*':
                toks[i - 1:i + 2] = [str(int(toks[i - 1]) * int(toks[i + 1]))]
                break
        else:
            break
    return sum(int(t) for t in toks if t != '+')
# ---
# call: f(5)
def f(n):
    a = 0
    while True:
        try:
            a += 1
            if a == 2:
                continue
            if a >= n:
                return a * 10
        finally:
            n -= 1
# ---
# call: f([5, 3])
def f(xs):
    while True:
        xs, ys = xs[1:], xs[:1]
        if not xs: return ys
