# Kind D: finally, and what passes through it.
# call: f(0)
def f(x):
    log = []
    try:
        try:
            log.append(1 // x)
        finally:
            log.append('done')
    except ZeroDivisionError:
        log.append('caught')
    return log
# ---
# call: f([1, 2, 3])
def f(xs):
    total = 0
    for x in xs:
        try:
            if x == 2:
                continue
            total += x
        finally:
            total += 10
    return total
# ---
# call: f(3)
def f(n):
    try:
        return n * 2
    finally:
        n = 100
# ---
# call: f(3)
def f(n):
    try:
        raise KeyError(n)
    finally:
        return 'swallowed'
# ---
# call: f([4, 5])
def f(xs):
    seen = []
    for x in xs:
        try:
            seen.append(x)
            break
        finally:
            seen.append('end')
    return seen
# ---
# call: f({})
def f(d):
    depth = 0
    try:
        depth += 1
        d['k']
        depth += 1
    except KeyError as error:
        depth = (depth, str(error))
    else:
        depth = -1
    finally:
        result = [depth]
    return result
# ---
# call: f(1)
def g(x, log):
    try:
        if x:
            raise ValueError('x')
        return 'g'
    finally:
        log.append('g ends')

def f(x):
    log = []
    try:
        log.append(g(x, log))
    except ValueError as e:
        log.append(str(e))
    return log
# ---
# call: f(2)
def gen(log):
    try:
        yield 1
        yield 2
    finally:
        log.append('closed')

def f(n):
    log = []
    for v in gen(log):
        log.append(v)
        if v == 1:
            break
    return log[:n]
# ---
# call: f('7')
def f(s):
    try:
        n = int(s)
    except ValueError:
        n = 0
    else:
        n += 1
        try:
            n = n / 0
        except ZeroDivisionError:
            n = -n
        finally:
            n *= 2
    return n
# ---
# call: f(5)
def f(n):
    while n > 0:
        try:
            n -= 2
            if n == 1:
                return 'one'
        finally:
            n -= 0
    return n
# ---
# call: f(0)
def f(x):
    try:
        y = 1 / x
    finally:
        x = 5
    return y
# ---
# call: f('7x')
def f(s):
    log = []
    def parse(t):
        try:
            return int(t)
        finally:
            log.append(t)
    try:
        v = parse(s)
    except ValueError:
        v = parse(s[:-1])
    finally:
        log.append('end')
    return v, log
# ---
# call: f([1, 2, 3, 4])
def f(xs):
    out = []
    for x in xs:
        try:
            if x == 2:
                continue
            if x == 4:
                break
            out.append(x)
        finally:
            out.append(-x)
    return out
# ---
# call: f(2)
def f(n):
    try:
        return n * 10
    finally:
        if n > 1:
            return n
# ---
# call: f(0)
def f(n):
    try:
        try:
            1 / n
        finally:
            n += 5
    except ZeroDivisionError as e:
        return n, str(e)
    return n
# ---
# call: f(1)
def f(n):
    x = 0
    try:
        x = 1
        try:
            x = 2
            raise KeyError('k')
        except KeyError:
            x += 10
            raise ValueError('v') from None
        finally:
            x *= 2
    except ValueError:
        x += n
    else:
        x = -1
    finally:
        x -= 1
    return x
# ---
# call: f([3])
def f(xs):
    def gen():
        try:
            for x in [5, 6, 7]:
                yield x
        finally:
            xs.append('closed')
    g = gen()
    a = next(g)
    b = next(g)
    g.close()
    return a + b, xs
# ---
# call: f('k')
def f(key):
    d = {}
    try:
        return d[key]
    except KeyError:
        return 'none'
    finally:
        d[key] = 1
# ---
# call: f(3)
class Res:
    def __init__(self):
        self.log = []
    def __enter__(self):
        self.log.append('open')
        return self
    def __exit__(self, t, v, tb):
        self.log.append('close' if t is None else t.__name__)
        return False
def f(n):
    r = Res()
    try:
        with r:
            r.log.append(n)
            n / 0
    except ZeroDivisionError:
        r.log.append('caught')
    return r.log
# ---
# call: f([1, 0])
def f(xs):
    out = []
    for x in xs:
        try:
            y = 1 // x
        except ZeroDivisionError:
            y = None
            continue
        else:
            out.append(y)
        finally:
            out.append('f')
    return out, y
# ---
# call: f(1)
def f(n):
    def g():
        try:
            raise ValueError('a')
        finally:
            if n:
                return 'swallowed'
    return g()
# ---
# call: f(4)
from contextlib import contextmanager
@contextmanager
def tag(name, out):
    out.append('<' + name)
    try:
        yield name.upper()
    finally:
        out.append('>')
def f(n):
    out = []
    with tag('a', out) as t:
        out.append(t * n)
    return out
# ---
# call: f('x')
from contextlib import suppress
def f(s):
    v = -1
    with suppress(ValueError):
        v = 0
        v = int(s)
        v = 5
    return v
# ---
# call: f(2)
def f(n):
    for i in range(n):
        try:
            pass
        finally:
            n += i
    return n
