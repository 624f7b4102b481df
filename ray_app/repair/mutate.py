"""Semantic mutation: one small, plausible mistake in a program, at a place that the syntax tree names.

Kinds: operator, comparison, off-by-one, constant, variable, method, arguments (swapped), aliasing, branch (missing).
A mutant parses and is another program; whether it behaves differently is for its runs to say.
"""

import ast
import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from ray_app.repair.splice import Edit, Text


@dataclass(frozen=True, slots=True)
class Mutant:
    """A program with one mistake: `line` is where it stands in `code`."""

    code: str
    kind: str
    line: int


def mutants(code: str, lines: Collection[int], seed: str) -> Iterator[Mutant]:
    """All mutants of the statements on `lines`, kinds in turn and places by chance; the same ones for the same seed."""
    text = Text(code)
    rng = random.Random(seed)
    found: dict[str, list[Edit]] = {}
    for edit in _edits(text, ast.parse(code)):
        if edit.line in lines:
            found.setdefault(edit.kind, []).append(edit)
    kinds = sorted(found)
    rng.shuffle(kinds)
    for kind in kinds:
        rng.shuffle(found[kind])
    seen = {code}
    while kinds:
        for kind in tuple(kinds):
            if not found[kind]:
                kinds.remove(kind)
                continue
            edit = found[kind].pop()
            changed = text.apply(edit)
            if changed is not None and changed not in seen:
                seen.add(changed)
                yield Mutant(changed, kind, edit.line)


def _edits(text: Text, tree: ast.Module) -> Iterator[Edit]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            yield from _branch(text, function, ())
            for statement in function.body:
                yield from _inside(text, statement, _locals(function))


def _inside(text: Text, statement: ast.stmt, names: tuple[str, ...]) -> Iterator[Edit]:
    """The edits of a statement and what it holds, except annotations, f-strings and nested functions."""
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.JoinedStr)):
            continue
        for rule in _RULES:
            yield from rule(text, node, names)
        annotation = getattr(node, "annotation", None)
        pending += [child for child in ast.iter_child_nodes(node) if child is not annotation]


def _locals(function: ast.FunctionDef) -> tuple[str, ...]:
    arguments = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    stored = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return tuple(dict.fromkeys([*arguments, *stored]))


_OPERATORS: dict[type, tuple[str, tuple[str, ...]]] = {
    ast.Add: ("+", ("-",)),
    ast.Sub: ("-", ("+",)),
    ast.Mult: ("*", ("+",)),
    ast.Div: ("/", ("//",)),
    ast.FloorDiv: ("//", ("/", "%")),
    ast.Mod: ("%", ("//",)),
    ast.Pow: ("**", ("*",)),
    ast.BitAnd: ("&", ("|", "^")),
    ast.BitOr: ("|", ("&",)),
    ast.BitXor: ("^", ("&", "|")),
    ast.LShift: ("<<", (">>",)),
    ast.RShift: (">>", ("<<",)),
}
_COMPARISONS: dict[type, tuple[str, tuple[str, ...]]] = {
    ast.Lt: ("<", ("<=", ">")),
    ast.LtE: ("<=", ("<", ">=")),
    ast.Gt: (">", (">=", "<")),
    ast.GtE: (">=", (">", "<=")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: ("not in", ("in",)),
}
_METHODS = (
    ("lower", "upper"),
    ("startswith", "endswith"),
    ("lstrip", "rstrip"),
    ("strip", "lstrip"),
    ("find", "rfind"),
    ("index", "rindex"),
    ("split", "rsplit"),
    ("partition", "rpartition"),
    ("isdigit", "isalpha"),
    ("isalnum", "isalpha"),
    ("isupper", "islower"),
    ("ljust", "rjust"),
    ("removeprefix", "removesuffix"),
    ("title", "capitalize"),
    ("append", "extend"),
    ("add", "discard"),
    ("keys", "values"),
    ("union", "intersection"),
    ("min", "max"),
    ("any", "all"),
)
_OTHER_METHODS = {one: tuple(b if a == one else a for a, b in _METHODS if one in (a, b)) for m in _METHODS for one in m}


def _operator(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    if isinstance(node, ast.BinOp):
        sign, others = _OPERATORS.get(type(node.op), ("", ()))
        yield from _exchanged(text, "operator", text.end(node.left), text.start(node.right), sign, others)
    elif isinstance(node, ast.AugAssign):
        sign, others = _OPERATORS.get(type(node.op), ("", ()))
        between = text.end(node.target), text.start(node.value)
        yield from _exchanged(text, "operator", *between, f"{sign}=", tuple(f"{other}=" for other in others))
    elif isinstance(node, ast.BoolOp):
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        if len(node.values) == 2:
            yield from _exchanged(text, "operator", text.end(node.values[0]), text.start(node.values[1]), old, (new,))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield text.replace("operator", node, text.of(node.operand))


def _comparison(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        sign, others = _COMPARISONS.get(type(node.ops[0]), ("", ()))
        start, end = text.end(node.left), text.start(node.comparators[0])
        yield from _exchanged(text, "comparison", start, end, sign, others)


def _exchanged(text: Text, kind: str, start: int, end: int, old: str, new: tuple[str, ...]) -> Iterator[Edit]:
    for other in new:
        edit = text.within(kind, start, end, old, other) if old else None
        if edit is not None:
            yield edit


def _off_by_one(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    """Bounds of ranges and slices, and indices, one too far or one too short."""
    places: list[ast.expr] = []
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        places = node.args[:2]
        if len(node.args) == 1:
            yield replace(text.replace("off-by-one", node.args[0], f"1, {text.of(node.args[0])}"), whole=False)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        places = [bound for bound in (node.slice.lower, node.slice.upper) if bound is not None]
    elif isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Tuple):
        places = [node.slice] if not _is_text(node.slice) else []
    for place in places:
        for other in _shifted(text, place):
            yield text.replace("off-by-one", place, other)


def _shifted(text: Text, place: ast.expr) -> Iterator[str]:
    """An integer expression one higher and one lower: `n - 1` becomes `n`, `3` becomes `2` and `4`, `n` `n - 1`."""
    if isinstance(place, ast.Constant):
        if type(place.value) is int:
            yield from (str(place.value + 1), str(place.value - 1))
    elif isinstance(place, ast.BinOp) and isinstance(place.right, ast.Constant) and place.right.value == 1:
        yield text.of(place.left)
    elif isinstance(place, (ast.Name, ast.Call, ast.BinOp)):
        yield from (f"{text.of(place)} - 1", f"{text.of(place)} + 1")


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _constant(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    if isinstance(node, (ast.Assign, ast.Return, ast.Compare, ast.BinOp, ast.AugAssign, ast.Call)):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Constant):
                amount = isinstance(node, (ast.BinOp, ast.AugAssign))
                yield from (text.replace("constant", child, other) for other in _other_constants(child.value, amount))


def _other_constants(value: object, amount: bool) -> tuple[str, ...]:
    """Near constants of the same type; an `amount` that something is changed by does not become 0."""
    if isinstance(value, bool):
        return (str(not value),)
    if isinstance(value, int):
        return (str(value + 1),) if amount and value == 1 else (str(value + 1), str(value - 1))
    if isinstance(value, float):
        return (repr(value + 1.0),)
    if isinstance(value, str):
        return ("' '",) if value == "" else ("''",) if value == " " else ()
    return ()


def _variable(text: Text, node: ast.AST, names: tuple[str, ...]) -> Iterator[Edit]:
    """A local variable read where another one is meant."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        yield from (text.replace("variable", node, other) for other in names if other != node.id)


def _method(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Attribute):
        others = _OTHER_METHODS.get(node.func.attr, ())
        start, end = text.end(node.func.value), text.end(node.func)
        yield from _exchanged(text, "method", start, end, node.func.attr, others)
    elif isinstance(node.func, ast.Name):
        yield from (text.replace("method", node.func, other) for other in _OTHER_METHODS.get(node.func.id, ()))


_ORDERED = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod)


def _arguments(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    """Two arguments, or the two sides of a difference or quotient, the wrong way round."""
    pair: tuple[ast.expr, ast.expr] | None = None
    if isinstance(node, ast.Call) and len(node.args) >= 2:
        pair = node.args[0], node.args[1]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, _ORDERED):
        pair = node.left, node.right
    if pair is None or any(isinstance(side, ast.Starred) for side in pair):
        return
    first, second = pair
    between = text.between(text.end(first), text.start(second))
    if between.strip() in (",", "-", "/", "//", "%"):
        swapped = text.of(second) + between + text.of(first)
        yield Edit("arguments", first.lineno, text.start(first), text.end(second), swapped, whole=False)


def _aliasing(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    """A copy that is no copy: the same list under two names, or many times in a list."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and isinstance(node.ctx, ast.Load):
        if node.slice.lower is node.slice.upper is node.slice.step is None:
            yield text.replace("aliasing", node, text.of(node.value))
    elif isinstance(node, ast.Call):
        called, given = node.func, node.args
        if isinstance(called, ast.Attribute) and called.attr == "copy" and not given:
            yield text.replace("aliasing", node, text.of(called.value))
        elif isinstance(called, ast.Name) and called.id in ("list", "dict", "set") and _is_name(given):
            yield text.replace("aliasing", node, text.of(given[0]))
    elif isinstance(node, ast.ListComp) and isinstance(node.elt, (ast.List, ast.ListComp)):
        over = node.generators[0]
        many = over.iter.args if isinstance(over.iter, ast.Call) else []
        read = {name.id for name in ast.walk(node.elt) if isinstance(name, ast.Name)}
        bound = over.target.id if isinstance(over.target, ast.Name) else ""
        if len(node.generators) == len(many) == 1 and bound and bound not in read:
            yield text.replace("aliasing", node, f"[{text.of(node.elt)}] * ({text.of(many[0])})")


def _is_name(given: list[ast.expr]) -> bool:
    return len(given) == 1 and isinstance(given[0], ast.Name)


def _branch(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    """A missing case: an `if` without its `else` part, or a body without one of its `if`s."""
    if isinstance(node, ast.If) and node.orelse and node.orelse[0].lineno > (node.body[-1].end_lineno or 0):
        first = (node.body[-1].end_lineno or node.lineno) + 1
        yield _lines(text, first, node.orelse[-1].end_lineno or first)
    body: object = getattr(node, "body", None)
    if isinstance(body, list) and len(body) > 1:  # pyright: ignore[reportUnknownArgumentType]
        for child in body:  # pyright: ignore[reportUnknownVariableType]
            if isinstance(child, ast.If) and not child.orelse:
                yield _lines(text, child.lineno, child.end_lineno or child.lineno)


def _lines(text: Text, first: int, last: int) -> Edit:
    """The edit that removes whole lines; the mistake then stands where the next line is."""
    return Edit("branch", first, text.line_start(first), text.line_start(last + 1), "", whole=False)


_RULES: tuple[Callable[[Text, ast.AST, tuple[str, ...]], Iterator[Edit]], ...] = (
    _operator,
    _comparison,
    _off_by_one,
    _constant,
    _variable,
    _method,
    _arguments,
    _aliasing,
    _branch,
)
