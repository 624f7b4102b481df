"""Why a statement raises: the values that make it impossible, read off the state in which it began."""

import ast
import re
from collections.abc import Callable, Iterator

from ray_app.monologue.evaluate import Unknown, names_in, show
from ray_app.monologue.phrase import code, inputs, known, listed
from ray_app.monologue.timeline import Moment, Timeline


def reason(timeline: Timeline, moment: Moment, exception: str, message: str) -> str:
    """The values behind an exception: "`i` is 3 and `xs` has length 3"; "" where none can be told."""
    if exception in ("NameError", "UnboundLocalError"):
        named = re.search(r"'(\w+)'", message)
        return f"`{named.group(1)}` has no value yet" if named else ""
    statement = timeline.source.statements.get(moment.line)
    parts = _own(statement) if statement is not None else []
    tell = _REASONS.get(exception)
    for part in parts:
        for node in ast.walk(part):
            if tell is not None and isinstance(node, ast.expr) and (told := list(tell(timeline, moment, node))):
                return listed(told)
    return next((given for part in parts if (given := inputs(timeline, part, moment, 3))), "")


def _own(statement: ast.stmt) -> list[ast.expr]:
    """The expressions that a statement evaluates before its body runs."""
    return [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.expr)]


def _is(timeline: Timeline, moment: Moment, node: ast.expr) -> str:
    """An expression with its value; "" for constants and what is not known."""
    value, span = known(timeline, node, moment.before), code(node)
    if value is None or not span or isinstance(node, ast.Constant) or len(value) > 60:
        return ""
    return f"{span} is {value}"


def _index(timeline: Timeline, moment: Moment, node: ast.expr) -> Iterator[str]:
    """An index beyond the end, and the length."""
    if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice) or _fine(timeline, moment, node):
        return
    length = known(timeline, ast.Call(ast.Name("len"), [node.value], []), moment.before)
    if length is not None and names_in(node.value) and (owner := code(node.value)):
        yield from (part for part in (_is(timeline, moment, node.slice), f"{owner} has length {length}") if part)


def _key(timeline: Timeline, moment: Moment, node: ast.expr) -> Iterator[str]:
    """A key that is not there."""
    if isinstance(node, ast.Subscript) and not _fine(timeline, moment, node):
        yield from (told for part in (node.slice, node.value) if (told := _is(timeline, moment, part)))


def _divisor(timeline: Timeline, moment: Moment, node: ast.expr) -> Iterator[str]:
    """A divisor of zero."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.FloorDiv, ast.Mod)):
        told = _is(timeline, moment, node.right)
        if told.endswith((" is 0", " is 0.0")):
            yield told


def _fine(timeline: Timeline, moment: Moment, node: ast.expr) -> bool:
    """Whether an expression has a value, so that it cannot be what raises."""
    try:
        return bool(show(timeline.value(ast.unparse(node), moment.before)))
    except Unknown:
        return False


_REASONS: dict[str, Callable[[Timeline, Moment, ast.expr], Iterator[str]]] = {
    "IndexError": _index,
    "KeyError": _key,
    "ZeroDivisionError": _divisor,
}
