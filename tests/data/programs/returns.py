# Kind L: whose return is it.
# call: f(3)
def f(n):
    def g(x):
        if x > 2:
            return x
        return 0
    y = g(n)
    return y + 1
# ---
# call: f([3, 1])
def f(xs):
    key = lambda x: -x
    def pick(ys):
        for y in ys:
            return y
    xs.sort(key=key)
    return pick(xs)
# ---
# call: f(1)
def f(n):
    class C:
        def m(self):
            return n + 1
        def k(self):
            return n + 2
    return C().k()
# ---
# call: f(2)
def f(n):
    if n:
        return
    return n
# ---
# call: f(4)
def f(n):
    n += 1
# ---
# call: f(0)
def f(n):
    return (yield_nothing := n) or f(n + 1)
# ---
# call: f(True)
async def g():
    return 1

def f(flag):
    c = g()
    c.close()
    return flag
# ---
# call: f([1, 2, 3])
def f(xs):
    for x in xs:
        if x % 2 == 0:
            return x
    else:
        return -1
    return None
# ---
# call: f(5)
def f(n):
    def g():
        def h():
            return n
        return h
    return g()()
# ---
# call: f('q')
def f(c):
    try:
        return ord(c)
    except TypeError:
        return -1
    finally:
        c = None
# ---
# call: f(4)
def f(n):
    def g(x):
        if x:
            return x
        return -1
    h = lambda y: y + 1
    return g(0) + h(n)
# ---
# call: f([])
def f(xs):
    for x in xs:
        return x
# ---
# call: f(2)
class C:
    def m(self):
        return 1
    def k(self):
        return self.m() + 2
def f(n):
    if n:
        return C().k()
    return
# ---
# call: f('ab')
def f(s):
    out = []
    def add(x):
        out.append(x)
    for c in s:
        add(c)
    return out
# ---
# call: f(3)
def f(n):
    class Box:
        def get(self):
            return n
    def early(k):
        if k > 2:
            return 'big'
        return 'small'
    b = Box()
    return early(b.get())
# ---
# call: f([3, 0, 2])
def f(xs):
    def inv(x):
        if not x:
            return
        return 6 // x
    return [inv(x) for x in xs]
# ---
# call: f(1)
def f(n):
    try:
        return 'body'
    except ValueError:
        return 'handler'
    else:
        return 'else'
# ---
# call: f(0)
def f(n):
    with open('/dev/null') as fh:
        if n:
            return 1
    print('x')
# ---
# call: f(2)
f = lambda n: (lambda m: m * n)(n + 1)
