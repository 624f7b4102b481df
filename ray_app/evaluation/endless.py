"""Proof that a run never ends: one `while` loop begins two of its rounds in exactly the same state.

`proves(code, trace)` never errs on the side of "endless": it speaks only of loops whose next round depends on nothing
but the values that the trace shows (no call of the program's own functions, no iterators, no sets, no shared lists, no
identity), and of rounds between which the loop was not left. So a grader need not wait for the rest of a time limit.
Not proved: endless growth, endless recursion, loops that call the program's functions.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ray_app.evaluation import values
from ray_app.parsing import parse
from ray_app.tracing.model import Step, Trace, steps

_PURE = frozenset(
    "abs all any bin bool chr dict divmod enumerate float hex int len list max min ord range repr reversed round"  # noqa: SIM905
    " sorted str sum tuple zip".split()
)
_SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Pass, ast.Delete)
_INNER = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)
_NODES = (
    *_SIMPLE,
    ast.If,
    ast.While,
    ast.For,
    ast.Return,
    ast.Break,
    ast.Continue,
    ast.expr,
    ast.operator,
    ast.unaryop,
)
_SMALL = (ast.boolop, ast.cmpop, ast.expr_context, ast.comprehension, ast.keyword)
_EXCLUDED = (*_INNER, ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Await, ast.Is, ast.IsNot)
_PLAIN = (str, bytes, int, float, complex, bool, type(None))


@dataclass(frozen=True, slots=True)
class _Loop:
    """A loop that can be judged: its lines, the line on which each round begins, and the names that it reads."""

    first: int
    last: int
    round: int
    names: frozenset[str]


def may_prove(code: str) -> bool:
    """Whether the program has a loop of the kind that can be proved endless."""
    return bool(_loops(code))


def proves(code: str, trace: Trace) -> bool:
    """Whether the run of `code` with this trace, cut or not, can never end."""
    seen: dict[tuple[int, _Loop], set[str]] = {}
    loops = _loops(code)
    for step in steps(trace):
        for loop in loops:
            states = seen.setdefault((step.frame, loop), set())
            if not loop.first <= step.line <= loop.last:
                states.clear()
            elif step.line == loop.round and (state := _state(step, loop)) is not None:
                if state in states:
                    return True
                states.add(state)
    return False


def _loops(code: str) -> list[_Loop]:
    """Nothing for a program that is more than functions and imports: it could keep state that no frame shows."""
    try:
        tree = parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    rest = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom)]
    bound = {node.name for node in functions}
    bound |= {node.asname or node.name for node in ast.walk(tree) if isinstance(node, ast.alias)}
    if rest or bound & _PURE or any(isinstance(node, ast.Global | ast.Nonlocal) for node in ast.walk(tree)):
        return []
    return [loop for node in ast.walk(tree) if isinstance(node, ast.While) and (loop := _loop(node)) is not None]


def _loop(node: ast.While) -> _Loop | None:
    first = node.body[0]
    header = first.test if isinstance(first, ast.If) else first
    begins_once = isinstance(first, (*_SIMPLE, ast.If)) and header.lineno == header.end_lineno
    follows = [*node.body[1:2], *(first.body[:1] if isinstance(first, ast.If) else [])]
    alone = first.lineno > (node.test.end_lineno or 0) and all(other.lineno > first.lineno for other in follows)
    if node.orelse or not begins_once or not alone or not all(map(_is_open_book, ast.walk(node))):
        return None
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)}
    return _Loop(node.lineno, node.end_lineno or node.lineno, first.lineno, frozenset(names))


def _is_open_book(node: ast.AST) -> bool:
    """Whether what this part of a loop does depends on the values of variables only."""
    if isinstance(node, _EXCLUDED) or not isinstance(node, (*_NODES, *_SMALL)):
        return False
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) or (isinstance(node.func, ast.Name) and node.func.id in _PURE)
    return not (isinstance(node, ast.Attribute) and (node.attr.startswith("_") or isinstance(node.ctx, ast.Store)))


def _state(step: Step, loop: _Loop) -> str | None:
    """All variables of the frame as one text; None if a value or name is not known completely."""
    if not all((name in step.before) != (name in _PURE) for name in loop.names):
        return None
    try:
        read = {name: values.read(text) for name, text in step.before.items()}
    except values.OpaqueError:
        return None
    parts = [part for value in read.values() for part in _parts(value)]
    if not all(type(part) in (*_PLAIN, list, tuple, dict) and part == part for part in parts):
        return None
    mutable = [repr(part) for part in parts if isinstance(part, list | dict)]
    return repr(sorted(step.before.items())) if len(mutable) == len(set(mutable)) else None


def _parts(value: Any) -> Iterator[Any]:
    """The value and all that it holds. Two equal lists among them could be one and the same, or not."""
    yield value
    if isinstance(value, dict):
        for key, held in value.items():
            yield from _parts(key)
            yield from _parts(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from _parts(held)
