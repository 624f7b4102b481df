# Kind A: match, except*, async for, async with.
# call: f([('add', 2), ('mul', 5), ('neg',), ('noop', 1, 2)])
def f(ops):
    value = 1
    for op in ops:
        match op:
            case ('add', n):
                value += n
            case ('mul', n):
                value *= n
            case ('neg',):
                value = -value
            case _:
                value += 100
    return value
# ---
# call: f({'kind': 'move', 'to': [3, 4]})
def f(event):
    match event:
        case {'kind': 'stop'}:
            where = None
        case {'kind': 'move', 'to': [x, y]} if x > y:
            where = x
        case {'kind': 'move', 'to': [x, y]}:
            where = y
    return where
# ---
# call: f([1, [2, [3, []]]])
def f(tree):
    match tree:
        case []:
            return 0
        case [head, tail]:
            rest = f(tail)
            return head + rest
# ---
# call: f(7) + f('ab') + f(2.5)
def f(x):
    match x:
        case int() as n:
            out = n
        case str(s):
            out = len(s)
        case _:
            out = -1
    return out
# ---
# call: f([5, 1, 9, 9])
def f(xs):
    match xs:
        case [first, *middle, last] if first < last:
            return middle
        case [first, *rest]:
            return rest
# ---
# call: f(3, 'low')
def f(n, mode):
    match n, mode:
        case 0, _:
            label = 'zero'
        case _, 'low' | 'high' as level if n > 5:
            label = level
        case _, ('low' | 'high'):
            label = level = 'other'
    return label
# ---
# call: f([4, 0, 'x'])
def f(xs):
    errors = []
    for x in xs:
        try:
            try:
                y = 8 // x
            except Exception as e:
                raise ExceptionGroup('bad', [e])
        except* ZeroDivisionError as group:
            errors.append('zero')
        except* TypeError as group:
            errors.append('type')
    return errors
# ---
# call: f(3)
import asyncio

class Ticks:
    def __init__(self, n):
        self.n = n
    def __aiter__(self):
        return self
    async def __anext__(self):
        if self.n == 0:
            raise StopAsyncIteration
        self.n -= 1
        return self.n

async def collect(n):
    seen = []
    async for t in Ticks(n):
        seen.append(t * 10)
    return seen

def f(n):
    return asyncio.run(collect(n))
# ---
# call: f(2)
import asyncio

class Gate:
    def __init__(self, log):
        self.log = log
    async def __aenter__(self):
        self.log.append('in')
        return 5
    async def __aexit__(self, *exc):
        self.log.append('out')
        return False

async def work(n):
    log = []
    async with Gate(log) as five:
        log.append(five * n)
    return log

def f(n):
    return asyncio.run(work(n))
# ---
# call: f(['push', 'a', 'push', 'b', 'pop', 'end', 'push'])
def f(words):
    stack, i = [], 0
    while i < len(words):
        match words[i]:
            case 'push':
                stack.append(words[i + 1])
                i += 2
            case 'pop':
                stack.pop()
                i += 1
            case 'end':
                break
    return stack
# ---
# call: f((1, 2)), f((1, 1)), f((0, 0))
class P:
    __match_args__ = ('x', 'y')
    def __init__(self, x, y):
        self.x, self.y = x, y

def f(pair):
    p = P(*pair)
    match p:
        case P(0, 0):
            return 'origin'
        case P(x, y) if x == y:
            return x
        case P(x=a, y=b):
            return a - b
# ---
# call: f({'type': 'circle', 'r': 2})
def f(shape):
    match shape:
        case {'type': 'square', 'side': s}:
            return s * s
        case {'type': 'circle', 'r': r, **rest} if not rest:
            area = 3 * r ** 2
        case _:
            area = -1
    return area
# ---
# call: f([1, [2, [3, 4]], 5])
def f(xs):
    total = 0
    stack = [xs]
    while stack:
        match stack.pop():
            case []:
                continue
            case [int(a), *rest]:
                total += a
                stack.append(rest)
            case [list() as inner, *rest]:
                stack.append(rest)
                stack.append(inner)
    return total
# ---
# call: f('go north')
def f(cmd):
    match cmd.split():
        case ['go', ('north' | 'south') as d]:
            return (0, 1) if d == 'north' else (0, -1)
        case ['go', other]:
            return other
    return None
# ---
# call: f([3, 'x', None])
def f(items):
    def run():
        errors = []
        for it in items:
            if not isinstance(it, int):
                errors.append(TypeError(f'bad {it}') if it else ValueError('none'))
        if errors:
            raise ExceptionGroup('many', errors)
        return 'fine'
    seen = []
    try:
        run()
    except* TypeError as eg:
        seen.append(len(eg.exceptions))
    except* ValueError as eg:
        seen.append(str(eg.exceptions[0]))
    return seen
# ---
# call: f(4)
import asyncio
async def ticks(n):
    for i in range(n):
        yield i * i
def f(n):
    async def main():
        out = []
        async for t in ticks(n):
            if t % 2:
                out.append(t)
        return out
    return asyncio.run(main())
# ---
# call: f(3)
import asyncio
class Lock:
    def __init__(self):
        self.log = []
    async def __aenter__(self):
        self.log.append('in')
        return self
    async def __aexit__(self, kind, value, tb):
        self.log.append('out')
        return kind is ValueError
def f(n):
    async def main():
        lock = Lock()
        async with lock as l:
            l.log.append(n)
            if n > 2:
                raise ValueError(n)
            l.log.append('end')
        return lock.log
    return asyncio.run(main())
# ---
# call: f((0, 7))
class Point:
    __match_args__ = ('x', 'y')
    def __init__(self, x, y):
        self.x = x
        self.y = y
def f(t):
    p = Point(*t)
    match p:
        case Point(0, 0):
            return 'origin'
        case Point(0, y):
            return f'y={y}'
        case Point(x=x, y=0):
            return f'x={x}'
        case Point():
            return 'else'
# ---
# call: f(-3)
def f(n):
    match n:
        case 0:
            kind = 'zero'
        case int() if n > 0:
            kind = 'pos'
        case int() | float():
            kind = 'neg'
    return kind
# ---
# call: f([('push', 1), ('push', 2), ('swap',), ('pop',)])
def f(ops):
    st = []
    for op in ops:
        match op:
            case ('push', x):
                st.append(x)
            case ('pop',) | ('drop',) if st:
                st.pop()
            case ('swap',):
                st[-1], st[-2] = st[-2], st[-1]
            case other:
                raise ValueError(other)
    return st
# ---
# call: f({'a': {'b': [1, 2]}})
def f(doc):
    match doc:
        case {'a': {'b': [first, *_]}}:
            return first
        case {'a': x}:
            return x
    return 0
# ---
# call: f(3.0)
def f(v):
    match v:
        case bool():
            r = 'b'
        case int(n) | float(n) if n > 2:
            r = f'n{n}'
        case str():
            r = 's'
        case _:
            r = '?'
    return r
# ---
# call: f([1, 2, 3, 4, 5])
def f(xs):
    match xs:
        case [a, b]:
            return a + b
        case [a, *mid, z] if len(mid) > 3:
            return mid
        case [a, *mid, z]:
            return a * z + sum(mid)
# ---
# call: f('b')
from enum import Enum
class C(Enum):
    RED = 'r'
    BLUE = 'b'
def f(s):
    match C(s):
        case C.RED:
            out = 1
        case C.BLUE:
            out = 2
    return out
# ---
# call: f([0, 5])
def f(xs):
    out = []
    try:
        errs = []
        for x in xs:
            try:
                out.append(10 // x)
            except ZeroDivisionError as e:
                errs.append(e)
        if errs:
            raise ExceptionGroup('g', errs)
    except* ValueError:
        out.append('v')
    except* ZeroDivisionError as g:
        out.append(len(g.exceptions))
    else:
        out.append('ok')
    finally:
        out.append('fin')
    return out
# ---
# call: f(2)
import asyncio
async def work(n):
    await asyncio.sleep(0)
    return n * 2
def f(n):
    async def main():
        a = await work(n)
        b = await work(a)
        return a, b
    return asyncio.run(main())
# ---
# call: f(3)
import asyncio
async def one(k):
    return k + 1
def f(n):
    async def main():
        got = await asyncio.gather(*(one(i) for i in range(n)))
        return sum(got)
    return asyncio.run(main())
