"""Which expression of a step raised an exception: the one that came next when its operands were there."""

import ast
import re
from collections.abc import Iterator

from ray_app.monologue.plan import Plan, last_numbers
from ray_app.semantics.record import Evaluation, Run, Step
from ray_app.semantics.source import Source

_OPERATIONS = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Subscript, ast.Attribute, ast.JoinedStr, ast.Await)
_HOLDERS = (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Starred, ast.keyword, ast.FormattedValue, ast.Slice)
_UNBOUND = re.compile(r"(?:NameError|UnboundLocalError)\b.*?'(\w+)'")


def failing(run: Run, plan: Plan, step: Step) -> int | None:
    """The number of the expression that raised, None where the record does not tell for certain."""
    if unbound := _UNBOUND.match(step.raised or ""):
        return _name(run.source, step.node, unbound[1])
    done = plan.tops.get(step.index, [])
    if not done:
        only = list(_operations(run.source, step.node))
        return only[0] if len(only) == 1 and step.kind == "statement" else None
    return _next_operation(run.source, done[-1].node)


def failing_operands(run: Run, plan: Plan, step: Step, node: int) -> list[Evaluation]:
    """The values that the expression that raised was given."""
    last = last_numbers(run.source)[node]
    return [found for found in plan.tops.get(step.index, []) if node < found.node <= last]


def _name(source: Source, statement: int, name: str) -> int | None:
    for number in range(statement, last_numbers(source)[statement] + 1):
        node = source.nodes[number]
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            return number
    return None


def _next_operation(source: Source, done: int) -> int | None:
    """The operation that follows when everything up to `done` has its value."""
    while True:
        above = source.parent(done)
        children = source.children(above)
        for later in children[children.index(done) + 1 :]:
            if inner := next(_operations(source, later), None):
                return inner if not _reads_names(source, inner) else None
        node = source.nodes[above]
        if isinstance(node, _OPERATIONS) and not _is_called(source, above):
            return above
        if not isinstance(node, _HOLDERS) and not _is_called(source, above):
            return None
        done = above


def _operations(source: Source, node: int) -> Iterator[int]:
    """The operations in a node's tree, innermost first, without those of statements and functions in it."""
    for child in source.children(node):
        if not isinstance(source.nodes[child], (ast.stmt, ast.Lambda, ast.comprehension)):
            yield from _operations(source, child)
    if isinstance(source.nodes[node], _OPERATIONS) and not _is_called(source, node):
        yield node


def _is_called(source: Source, node: int) -> bool:
    """Whether a name or attribute stands where it is called; it has no value of its own in a record."""
    above = source.nodes[source.parent(node)]
    return isinstance(above, ast.Call) and above.func is source.nodes[node] and not isinstance(above.func, ast.Call)


def _reads_names(source: Source, node: int) -> bool:
    numbers = range(node, last_numbers(source)[node] + 1)
    return any(isinstance(source.nodes[number], ast.Name) and not _is_called(source, number) for number in numbers)
