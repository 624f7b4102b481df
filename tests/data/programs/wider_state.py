# Kind K: captured variables, globals, attributes, standard containers, aliases.
# call: f(3)
COUNT = 0

def bump(by):
    global COUNT
    COUNT += by
    return COUNT

def f(n):
    for i in range(n):
        bump(i)
    return COUNT
# ---
# call: f(['a', 'b', 'a'])
from collections import Counter

def f(words):
    c = Counter(words)
    c.update(['b', 'b'])
    return c.most_common(1)
# ---
# call: f([1, 2, 3])
from collections import deque

def f(xs):
    d = deque(xs, maxlen=3)
    d.rotate(1)
    d.appendleft(9)
    return list(d)
# ---
# call: f('0.1', 3)
from decimal import Decimal

def f(x, n):
    total = Decimal('0')
    for _ in range(n):
        total += Decimal(x)
    return str(total)
# ---
# call: f(5)
class Account:
    opened = 0
    def __init__(self, balance):
        self.balance = balance
        self.log = []
        Account.opened += 1
    def pay(self, amount):
        if amount > self.balance:
            self.log.append('no')
            return False
        self.balance -= amount
        return True

def f(amount):
    a, b = Account(8), Account(1)
    a.pay(amount)
    b.pay(amount)
    return a.balance, b.log, Account.opened
# ---
# call: f(2)
def f(n):
    count = 0
    def add(k):
        nonlocal count
        count += k
    for i in range(n):
        add(i + 1)
    return count
# ---
# call: f([[0, 0], [0, 0]])
def f(grid):
    row = grid[0]
    row[1] = 5
    copy = grid[:]
    copy[1] = row
    grid[1][0] = 7
    return copy, grid
# ---
# call: f()
def f():
    row = [0] * 2
    grid = [row] * 2
    grid[0][0] = 1
    return grid
# ---
# call: f(3), f(4)
def f(n, seen=[]):
    seen.append(n)
    return len(seen)
# ---
# call: f('b')
from dataclasses import dataclass, field

@dataclass
class Node:
    name: str
    kids: list = field(default_factory=list)

def f(name):
    root = Node('a')
    root.kids.append(Node(name))
    root.kids[0].kids.append(Node('c'))
    return len(root.kids[0].kids), root.kids[0].name
# ---
# call: f(10)
class Temp:
    def __init__(self, c):
        self._c = c
    @property
    def f(self):
        return self._c * 9 / 5 + 32
    @f.setter
    def f(self, value):
        self._c = (value - 32) * 5 / 9

def f(c):
    t = Temp(c)
    t.f += 18
    return t._c
# ---
# call: f([3, 1, 2])
import heapq
from collections import OrderedDict, defaultdict

def f(xs):
    groups = defaultdict(list)
    heapq.heapify(xs)
    while xs:
        x = heapq.heappop(xs)
        groups[x % 2].append(x)
    order = OrderedDict(sorted(groups.items()))
    order.move_to_end(0)
    return list(order.items())
# ---
# call: f(3)
def f(n):
    calls = 0
    def bump(k):
        nonlocal calls
        calls += k
        return calls
    out = [bump(i) for i in range(n)]
    return out, calls
# ---
# call: f(2)
total = 10
def add(x):
    global total
    total += x
    return total
def f(n):
    add(n)
    add(n)
    return total
# ---
# call: f('banana')
from collections import Counter
def f(s):
    c = Counter(s)
    c['a'] -= 1
    c.update('nn')
    return c.most_common(2)
# ---
# call: f([1, 2, 3])
from collections import deque
def f(xs):
    d = deque(xs, maxlen=3)
    d.rotate(1)
    d.append(9)
    return list(d), d[0]
# ---
# call: f('0.1')
from decimal import Decimal
def f(s):
    d = Decimal(s)
    e = d + Decimal('0.2')
    return e == Decimal('0.3'), e
# ---
# call: f(2)
class Acc:
    rate = 2
    def __init__(self, v):
        self.v = v
    def grow(self):
        self.v *= self.rate
        return self
def f(n):
    a = Acc(n)
    Acc.rate = 5
    a.grow().grow()
    return a.v
# ---
# call: f([1])
def f(xs):
    ys = xs
    zs = xs[:]
    ys += [2]
    zs.append(3)
    xs = xs + [4]
    return xs, ys, zs
# ---
# call: f(3)
from collections import defaultdict
def f(n):
    d = defaultdict(list)
    for i in range(n):
        d[i % 2].append(i)
    d['x']
    return dict(d)
# ---
# call: f(2)
from dataclasses import dataclass, field
@dataclass
class Node:
    v: int
    kids: list = field(default_factory=list)
def f(n):
    root = Node(n)
    root.kids.append(Node(n + 1))
    root.kids[0].v += 5
    return root
# ---
# call: f(5)
class P:
    def __init__(self):
        self._x = 1
    @property
    def x(self):
        return self._x * 2
    @x.setter
    def x(self, v):
        self._x = v + 1
def f(n):
    p = P()
    p.x = n
    p.x += 1
    return p.x
# ---
# call: f([1, 2])
def f(xs, seen=[]):
    seen.extend(xs)
    return len(seen)
# ---
# call: f(3)
def f(n):
    fs = []
    for i in range(n):
        fs.append(lambda: i)
    return [g() for g in fs]
# ---
# call: f('low')
from dataclasses import dataclass
from enum import Enum
class Level(Enum):
    LOW = 'low'
    HIGH = 'high'
@dataclass
class Task:
    name: str
    level: object = Level.HIGH
def f(word):
    task = Task(word)
    if isinstance(task.level, str):
        return task.name
    task.level = Level(word)
    return task.level is Level.LOW, [Level.LOW, Level.HIGH].index(task.level)
# ---
# call: f([3, 'a'])
def f(xs):
    try:
        return any(x + 1 > 9 for x in xs)
    except TypeError:
        return [y * 2 for y in xs]
# ---
# call: f(3)
def make():
    count = 0
    hist = []
    def add(x):
        nonlocal count
        count += x
        hist.append(count)
        return list(hist)
    return add
def f(n):
    a, b = make(), make()
    a(n)
    b(1)
    return a(n), b(2)
# ---
# call: f('k')
CACHE = {}
LIMIT = 2
def f(key):
    global LIMIT
    CACHE[key] = CACHE.get(key, 0) + 1
    LIMIT -= 1
    return CACHE, LIMIT
# ---
# call: f([5, 1, 4])
import heapq
def f(xs):
    h = []
    for x in xs:
        heapq.heappush(h, -x)
    return -heapq.heappop(h), h
# ---
# call: f('2024-02-28', 2)
from datetime import date, timedelta
def f(s, n):
    d = date.fromisoformat(s)
    e = d + timedelta(days=n)
    return e.isoformat(), (e - d).days
# ---
# call: f([1, 2])
from fractions import Fraction
def f(xs):
    t = Fraction(0)
    for x in xs:
        t += Fraction(1, x + 1)
    return t.numerator, t.denominator
# ---
# call: f(3)
class V:
    def __init__(self, x):
        self.x = x
    def __add__(self, o):
        return V(self.x + o.x)
    def __eq__(self, o):
        return self.x == o.x
    def __repr__(self):
        return f'V<{self.x}>'
def f(n):
    a = V(n)
    b = a + V(1)
    return b.x, a == b, a != V(n)
# ---
# call: f([[0] * 2] * 2)
def f(g):
    g[0][1] = 5
    h = [row[:] for row in g]
    h[1][0] = 7
    return g, h, g[0] is g[1]
# ---
# call: f(2)
from collections import namedtuple, OrderedDict
P = namedtuple('P', 'x y')
def f(n):
    p = P(n, n * 2)
    q = p._replace(x=0)
    od = OrderedDict(a=p, b=q)
    od.move_to_end('a')
    return list(od), q.x + p.y
# ---
# call: f('ab')
class Base:
    tags = []
    def add(self, t):
        self.tags.append(t)
        return self
class Sub(Base):
    pass
def f(s):
    a, b = Base(), Sub()
    for c in s:
        a.add(c)
    b.tags = ['own']
    b.add('z')
    return Base.tags, b.tags, a.tags is Sub.tags
# ---
# call: f(4)
class Temp:
    def __init__(self, c):
        self.__c = c
    @classmethod
    def of(cls, n):
        return cls(n * 2)
    @staticmethod
    def scale(x):
        return x + 0.5
    def get(self):
        return self.scale(self.__c)
def f(n):
    return Temp.of(n).get()
# ---
# call: f([1, 2, 3])
def f(xs):
    a = xs
    b = {'k': a}
    b['k'].append(4)
    c = b.copy()
    c['k'] = c['k'] + [5]
    return len(a), b, c
# ---
# call: f(3)
def f(n):
    d = {}
    for i in range(n):
        d.setdefault(i % 2, set()).add(i)
    e = {k: sorted(v) for k, v in d.items()}
    return e
