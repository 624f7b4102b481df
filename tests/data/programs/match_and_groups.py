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
