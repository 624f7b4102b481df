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
# ---
# call: f([5, 3, 9])
def f(list):
    max = list[0]
    for int in list[1:]:
        if int > max:
            max = int
    return max
# ---
# call: f('hello', 'l')
def f(str, len):
    sum = 0
    for c in str:
        sum += c == len
    return sum
# ---
# call: f(4)
def abs(x):
    return x + 100
def f(n):
    return [abs(-i) for i in range(n) if i % 2]
# ---
# call: f([3, 1, 2])
def sorted(xs, reverse=True):
    return xs[::-1]
def f(xs):
    ys = sorted(xs)
    return ys == [2, 1, 3], ys
# ---
# call: f({'a': 1})
def f(dict):
    id = 0
    for type, object in dict.items():
        id += object
        dict = {type: id}
    return dict
# ---
# call: f(3)
def print(*args):
    return len(args)
def f(n):
    range = [n, n + 1]
    x = print(*range)
    return x * range[-1]
# ---
# call: f([1, 2, 3])
def sum(xs):
    t = 1
    for x in xs:
        t *= x
    return t
def f(xs):
    return sum(xs) + len(xs)
# ---
# call: f('abc')
class str:
    def __init__(self, v):
        self.v = v
    def upper(self):
        return 'U' + self.v
def f(s):
    return str(s).upper()
# ---
# call: f(5)
def f(n):
    len = lambda x: n
    any = len([]) > 3
    return len('abc'), any
# ---
# call: f([2, 4])
def f(input):
    all = [x for x in input if x > 2]
    min, max = input
    return all or min, max - min
# ---
# call: f({'k': [1]})
def f(map):
    for key, set in map.items():
        set.append(key)
    filter = len(map)
    return map, filter
