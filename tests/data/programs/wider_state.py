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
