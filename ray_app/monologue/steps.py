"""The inner steps of one expression: what its parts are before the whole is, and where characters stand.

A small model cannot see through `max([int(n) for n in s.split(',')])` at once, nor count to the seventh character of
a string; so parts are told innermost first, and a string whose positions decide is told with its indices.
"""

import ast
import functools
from collections.abc import Iterator

from ray_app.monologue.evaluate import names_in
from ray_app.monologue.phrase import code, known, same_text
from ray_app.monologue.quotes import is_quoted
from ray_app.monologue.timeline import Timeline

_MOST = 3
_SHORT = 60
_NUMBERED = range(3, 15)
_LAZY = frozenset({"map", "filter", "zip", "enumerate", "reversed", "range", "iter"})
_POSITIONS = frozenset({"find", "rfind", "index", "rindex"})


def steps(timeline: Timeline, expression: ast.expr, state: dict[str, str]) -> list[str]:
    """What the parts of an expression are, innermost first, at most three: "`s.split(',')` is ['1', '2']"."""
    told: dict[str, str] = {}
    for part in _parts(expression):
        value, span = known(timeline, part, state), code(part)
        if part is expression or value is None or not span or len(value) > _SHORT or same_text(span, value):
            continue
        if not any(name in state for name in names_in(part)):
            continue
        told.setdefault(span, f"{span} is {value}")
    return list(told.values())[:_MOST]


def numbered(timeline: Timeline, expression: ast.expr, state: dict[str, str]) -> list[str]:
    """The strings that an expression takes slices of or searches, with their indices: "`list(enumerate(s))` is ..."."""
    told: dict[str, str] = {}
    for part in _parts(expression):
        owner = _searched(part)
        if owner is None or len(state.get(owner.id, "")) - 2 not in _NUMBERED or state[owner.id][0] not in "'\"":
            continue
        whole = ast.Call(ast.Name("list"), [ast.Call(ast.Name("enumerate"), [owner], [])], [])
        value = known(timeline, whole, state)
        if value is not None and "`" not in value and not is_quoted(timeline.source, whole):
            told[owner.id] = f"{code(whole)} is {value}"
    return list(told.values())


def _searched(part: ast.expr) -> ast.Name | None:
    """The variable whose positions a part asks for."""
    if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Slice) and isinstance(part.value, ast.Name):
        return part.value
    if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in _POSITIONS:
        return part.func.value if isinstance(part.func.value, ast.Name) else None
    return None


@functools.lru_cache(maxsize=8_192)
def _parts(node: ast.AST) -> tuple[ast.expr, ...]:
    return tuple(_inner(node))


def _inner(node: ast.AST) -> Iterator[ast.expr]:
    """The calls, subscripts, operations and comprehensions of an expression, innermost first.

    What runs many times or perhaps not at all is left out: the inside of a comprehension (but for what it goes over),
    of a lambda, and of all but the first operand of `and`, `or` and a conditional.
    """
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        yield from _parts(node.generators[0].iter)
    elif isinstance(node, ast.BoolOp):
        yield from _parts(node.values[0])
    elif isinstance(node, ast.IfExp):
        yield from _parts(node.test)
    else:
        for child in ast.iter_child_nodes(node):
            one_sum = isinstance(node, ast.BinOp) and isinstance(child, ast.BinOp)  # told as one
            yield from (part for part in _parts(child) if not (one_sum and part is child))
    lazy = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _LAZY
    if isinstance(node, (ast.Call, ast.Subscript, ast.BinOp, ast.ListComp, ast.SetComp, ast.DictComp)) and not lazy:
        yield node
