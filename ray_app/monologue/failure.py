"""Why a statement raises: the values that make it impossible, read off the state in which it began."""

import ast
import re
from collections.abc import Callable, Iterator

from ray_app.monologue.evaluate import Fails, Unknown, names_in, show
from ray_app.monologue.phrase import code, inputs, known, listed, same_text
from ray_app.monologue.quotes import is_quoted
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
    for part in parts:
        culprit = _culprit(timeline, moment, part, f"{exception}: {message}")
        if culprit is not None and (told := _operands(timeline, moment, culprit)):
            return listed(told)
    return next((given for part in parts if (given := inputs(timeline, part, moment, 3))), "")


def _culprit(timeline: Timeline, moment: Moment, node: ast.expr, raised: str) -> ast.expr | None:
    """The smallest part of an expression that raises so by itself; None where none is known to."""
    itself: ast.expr | None = node
    try:
        timeline.value(node, moment.before)
    except Fails as error:
        if str(error) != raised:
            return None
    except Unknown:
        itself = None
    else:
        return None
    parts = [part for child in ast.iter_child_nodes(node) for part in _read(child)]
    if isinstance(node, (ast.IfExp, ast.BoolOp)):
        parts = parts[:1] if itself is None or isinstance(node, ast.IfExp) else parts
    return next((found for part in parts if (found := _culprit(timeline, moment, part, raised)) is not None), itself)


def _operands(timeline: Timeline, moment: Moment, node: ast.expr) -> list[str]:
    """What the parts of an expression are."""
    parts = [part for child in ast.iter_child_nodes(node) for part in _read(child)]
    return list(dict.fromkeys(told for part in parts if (told := _is(timeline, moment, part))))


def _read(child: ast.AST) -> list[ast.expr]:
    """What an expression reads through one of its parts: of a method the object, of a function's name nothing."""
    if isinstance(child, ast.Attribute):
        return [child.value]
    if isinstance(child, ast.Slice):
        return [bound for bound in (child.lower, child.upper, child.step) if bound is not None]
    return [child] if isinstance(child, ast.expr) else []


def _own(statement: ast.stmt) -> list[ast.expr]:
    """The expressions that a statement evaluates before its body runs."""
    return [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.expr)]


def _is(timeline: Timeline, moment: Moment, node: ast.expr) -> str:
    """An expression with its value; "" for constants and what is not known."""
    value, span = known(timeline, node, moment.before), code(node)
    if value is None or not span or same_text(span, value) or len(value) > 60:
        return ""
    return f"{span} is {value}"


def _index(timeline: Timeline, moment: Moment, node: ast.expr) -> Iterator[str]:
    """An index beyond the end, and the length."""
    if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice) or _fine(timeline, moment, node):
        return
    size = ast.Call(ast.Name("len"), [node.value], [])
    length = known(timeline, size, moment.before)
    if length is not None and names_in(node.value) and (owner := code(node.value)):
        yield from (part for part in (_is(timeline, moment, node.slice),) if part)
        has = f"{owner} has length {length}"
        if "length" in timeline.source.names:  # the word would name the variable
            has = "" if is_quoted(timeline.source, size) else f"{code(size)} is {length}"
        yield from [", so ".join(part for part in (has, f"there is no {code(node)}" if code(node) else "") if part)]


def _key(timeline: Timeline, moment: Moment, node: ast.expr) -> Iterator[str]:
    """A key that is not there."""
    if isinstance(node, ast.Subscript) and not _fine(timeline, moment, node):
        told = [told for part in (node.slice, node.value) if (told := _is(timeline, moment, part))]
        if told and code(node):
            told[-1] += f", so there is no {code(node)}"
        yield from told


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
