# Kind E: names that shadow built-ins.
# call: f([3, 1, 2])
def f(list):
    max = list[0]
    for item in list:
        if item > max:
            max = item
    return max
# ---
# call: f('abc')
def len(s):
    return 10

def f(s):
    n = len(s)
    return n + 1
# ---
# call: f(3)
def f(range):
    sum = 0
    while range:
        sum += range
        range -= 1
    return sum
# ---
# call: f([1, 2])
def f(xs):
    str = lambda v: 'v' + repr(v)
    return [str(x) for x in xs]
# ---
# call: f(5)
from math import floor as round

def f(x):
    return round(x + 0.9)
# ---
# call: f('a-b')
def f(input):
    type, id = input.split('-')
    return id + type
# ---
# call: f([4, 9])
class int:
    def __init__(self, v):
        self.v = v
    def half(self):
        return self.v / 2

def f(xs):
    return [int(x).half() for x in xs]
# ---
# call: f({'x': 2})
def f(dict):
    print = dict.get
    return print('x') * 4, print('y')
# ---
# call: f(7)
def sorted(x):
    return -x

def f(x):
    any = sorted(x)
    return any
# ---
# call: f([0, 1])
def f(set):
    all = True
    for bool in set:
        all = all and bool
    return all
