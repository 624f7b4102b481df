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
