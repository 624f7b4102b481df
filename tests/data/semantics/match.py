# f()
from dataclasses import dataclass
@dataclass
class P:
    x: int
    y: int
def kind(value):
    match value:
        case 0 | 1:
            return 'small'
        case [a, *rest] if a > len(rest):
            return (a, rest)
        case [_, *_]:
            return 'list'
        case {'k': v, **others}:
            return (v, others)
        case P(x=0, y=y) | P(y, 0):
            return y
        case str() as s:
            return s * 2
        case _:
            return None
def f():
    return [kind(v) for v in (1, [3, 1], [1, 1], {'k': 1, 'm': 2}, P(0, 5), P(6, 0), 'ab', 9.5)]
