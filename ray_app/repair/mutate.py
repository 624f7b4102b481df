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
    ast.MatMult: ("@", ()),
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
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            yield from _exchanged(text, "operator", text.end(left), text.start(right), *_OPERATORS[type(op)])
        case ast.AugAssign(target=left, op=op, value=right):
            sign, others = _OPERATORS[type(op)]
            augmented = tuple(f"{other}=" for other in others)
            yield from _exchanged(text, "operator", text.end(left), text.start(right), f"{sign}=", augmented)
        case ast.BoolOp(op=op, values=[left, right]):
            old, new = ("and", "or") if isinstance(op, ast.And) else ("or", "and")
            yield from _exchanged(text, "operator", text.end(left), text.start(right), old, (new,))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield text.replace("operator", node, text.of(operand))
        case _:
            pass


def _comparison(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            sign, others = _COMPARISONS.get(type(op), ("", ()))
            yield from _exchanged(text, "comparison", text.end(left), text.start(right), sign, others)
        case _:
            pass


def _exchanged(text: Text, kind: str, start: int, end: int, old: str, new: tuple[str, ...]) -> Iterator[Edit]:
    for other in new:
        edit = text.within(kind, start, end, old, other)
        if edit is not None:
            yield edit


def _off_by_one(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    """Bounds of ranges and slices, and indices, one too far or one too short."""
    places: list[ast.expr | None] = []
    match node:
        case ast.Call(func=ast.Name(id="range"), args=[stop]):
            places = [stop]
            yield replace(text.replace("off-by-one", stop, f"1, {text.of(stop)}"), whole=False)
        case ast.Call(func=ast.Name(id="range"), args=[start, stop, *_]):
            places = [start, stop]
        case ast.Subscript(slice=ast.Slice(lower=start, upper=stop)):
            places = [start, stop]
        case ast.Subscript(slice=index) if not isinstance(index, ast.Tuple):
            places = [index]
        case _:
            pass
    for place in places:
        for other in _shifted(text, place):
            assert place is not None
            yield text.replace("off-by-one", place, other)


def _shifted(text: Text, place: ast.expr | None) -> Iterator[str]:
    """An integer expression one higher and one lower: `n - 1` becomes `n`, `3` becomes `2` and `4`, `n` `n - 1`."""
    match place:
        case ast.Constant(value=int(number)) if type(number) is int:
            yield from (str(number + 1), str(number - 1))
        case ast.BinOp(left=left, right=ast.Constant(value=1)):
            yield text.of(left)
        case ast.Name() | ast.Call() | ast.BinOp():
            yield from (f"{text.of(place)} - 1", f"{text.of(place)} + 1")
        case _:
            pass


def _constant(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    if not isinstance(node, (ast.Assign, ast.Return, ast.Compare, ast.BinOp, ast.AugAssign, ast.Call)):
        return
    amount = isinstance(node, (ast.BinOp, ast.AugAssign))
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Constant):
            for other in _other_constants(child.value, amount):
                yield text.replace("constant", child, other)


def _other_constants(value: object, amount: bool) -> tuple[str, ...]:
    """Near constants of the same type; an `amount` that something is changed by does not become 0."""
    match value:
        case bool():
            return (str(not value),)
        case 1 if amount and type(value) is int:
            return ("2",)
        case int():
            return (str(value + 1), str(value - 1))
        case float():
            return (repr(value + 1.0),)
        case "":
            return ("' '",)
        case " ":
            return ("''",)
        case _:
            return ()


def _variable(text: Text, node: ast.AST, names: tuple[str, ...]) -> Iterator[Edit]:
    """A local variable read where another one is meant."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        yield from (text.replace("variable", node, other) for other in names if other != node.id)


def _method(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr=name) as called):
            others = _OTHER_METHODS.get(name, ())
            yield from _exchanged(text, "method", text.end(owner), text.end(called), name, others)
        case ast.Call(func=ast.Name(id=name) as called):
            yield from (text.replace("method", called, other) for other in _OTHER_METHODS.get(name, ()))
        case _:
            pass


_ORDERED = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod)


def _arguments(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    """Two arguments, or the two sides of a difference or quotient, the wrong way round."""
    match node:
        case ast.Call(args=[first, second, *_]) if not isinstance(second, ast.Starred):
            pass
        case ast.BinOp(left=first, op=op, right=second) if isinstance(op, _ORDERED):
            pass
        case _:
            return
    between = text.between(text.end(first), text.start(second))
    if between.strip() in (",", "-", "/", "//", "%") and not isinstance(first, ast.Starred):
        swapped = text.of(second) + between + text.of(first)
        yield Edit("arguments", first.lineno, text.start(first), text.end(second), swapped, whole=False)


def _aliasing(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    """A copy that is no copy: the same list under two names, or many times in a list."""
    match node:
        case ast.Subscript(value=copied, slice=ast.Slice(lower=None, upper=None, step=None), ctx=ast.Load()):
            yield text.replace("aliasing", node, text.of(copied))
        case ast.Call(func=ast.Attribute(value=copied, attr="copy"), args=[]):
            yield text.replace("aliasing", node, text.of(copied))
        case ast.Call(func=ast.Name(id="list" | "dict" | "set"), args=[ast.Name() as copied]):
            yield text.replace("aliasing", node, text.of(copied))
        case ast.ListComp(elt=ast.List() | ast.ListComp() as made, generators=[over]):
            yield from _repeated(text, node, made, over)
        case _:
            pass


def _repeated(text: Text, node: ast.ListComp, made: ast.expr, over: ast.comprehension) -> Iterator[Edit]:
    """`[[0] for _ in range(n)]` becomes `[[0]] * (n)`."""
    read = {name.id for name in ast.walk(made) if isinstance(name, ast.Name)}
    match over:
        case ast.comprehension(target=ast.Name(id=bound), iter=ast.Call(args=[many])) if bound not in read:
            yield text.replace("aliasing", node, f"[{text.of(made)}] * ({text.of(many)})")
        case _:
            pass


def _branch(text: Text, node: ast.AST, _names: tuple[str, ...]) -> Iterator[Edit]:
    """A missing case: an `if` without its `else` part, or a body without one of its `if`s."""
    if isinstance(node, ast.If) and node.orelse and node.orelse[0].lineno > (node.body[-1].end_lineno or 0):
        first = (node.body[-1].end_lineno or node.lineno) + 1
        yield _lines(text, first, node.orelse[-1].end_lineno or first)
    body: list[ast.stmt] = [] if isinstance(node, (ast.Lambda, ast.IfExp)) else getattr(node, "body", [])
    for child in body if len(body) > 1 else ():
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
