# f([1, 2, 3])
def f(xs):
    pairs = [(x, y) for x in xs if x % 2 for y in range(x) if y != 1]
    table = {x: [y for y in range(x)] for x in xs}
    kinds = {x % 2 for x in xs}
    total = sum(x * y for x in xs for y in (1, 2) if x)
    last = [seen := x for x in xs]
    return pairs, table, sorted(kinds), total, last, seen
