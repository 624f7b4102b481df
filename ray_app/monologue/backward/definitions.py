"""Where variables of a function get their values, as expressions over earlier values: what an expression is and does.

A variable has a new *definition* with each write, named `name#3`; a parameter before any write is named as it is. So an
expression over definitions means the same everywhere in the function, whatever is written later.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

How = Literal["assigned", "changed", "branch", "loop", "inner"]
"""Of "inner": within a branch, or within a loop that was written out."""

_RESULT_KINDS = {
    "int": "len int ord round",
    "str": "str repr chr bin hex oct format ascii",
    "list": "list sorted",
    "bool": "bool isinstance any all callable",
    "dict": "dict",
    "set": "set",
    "tuple": "tuple divmod",
    "float": "float",
    "iterator": "map zip filter iter enumerate reversed",
}
_METHOD_KINDS = {
    "str": "join upper lower title capitalize swapcase casefold strip lstrip rstrip replace removeprefix removesuffix"
    " center ljust rjust zfill format translate expandtabs",
    "int": "find rfind index rindex bit_length",
    "bool": "startswith endswith isalpha isdigit isalnum islower isupper isspace istitle isnumeric isdecimal"
    " isidentifier isprintable isascii issubset issuperset isdisjoint",
    "list": "split rsplit splitlines",
    "tuple": "partition rpartition",
    "dict": "fromkeys maketrans",
    "iterator": "keys values items",
}
_CALL_KIND = {name: kind for kind, names in _RESULT_KINDS.items() for name in names.split()}
_METHOD_KIND = {name: kind for kind, names in _METHOD_KINDS.items() for name in names.split()}
_PURE_CALLS = frozenset((*_CALL_KIND, "sum", "max", "min", "abs", "pow", "range", "frozenset", "type", "complex"))
_PURE_METHODS = frozenset((*_METHOD_KIND, "count", "copy", "get", "encode", "decode", "union", "intersection"))
IMMUTABLE = frozenset(("str", "int", "float", "bool", "NoneType", "bytes"))
MUTATORS = frozenset(
    {"append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "update", "setdefault", "popitem"}
    | {"add", "discard", "appendleft", "extendleft", "popleft", "rotate", "subtract"}
)
"""Methods that change the object that they are called on, and nothing else."""
_NUMBERS = ("bool", "int", "float")


@dataclass(frozen=True, slots=True)
class Definition:
    """The value of `name` from the statement on `line` on; `expression` is None where it cannot be said."""

    identity: str
    name: str
    line: int
    how: How
    expression: ast.expr | None
    kind: str
    shares: frozenset[str]
    """Definitions that may hold the same object, or a part of it that can change; itself at least."""


def name_of(identity: str) -> str:
    """The variable of a definition's name."""
    return identity.partition("#")[0]


def names_in(node: ast.AST) -> set[str]:
    """Every name that a tree mentions."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def put_in(node: ast.expr, parts: Mapping[str, ast.expr]) -> ast.expr:
    """The expression with others in the place of names; what does not change is shared, not copied."""
    return _replaced(node, parts)


def _replaced(node: Any, parts: Mapping[str, ast.expr]) -> Any:
    if isinstance(node, ast.Name):
        return parts.get(node.id, node)
    if isinstance(node, list):
        items = [_replaced(item, parts) for item in node]
        return items if any(new is not old for new, old in zip(items, node, strict=True)) else node
    if not isinstance(node, ast.AST):
        return node
    fields = {name: getattr(node, name, None) for name in node._fields}
    changed = {name: _replaced(value, parts) for name, value in fields.items()}
    if all(changed[name] is fields[name] for name in fields):
        return node
    return type(node)(**changed)


def bound_in(node: ast.AST) -> set[str]:
    """The names that comprehensions and lambdas inside an expression bind."""
    stored = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    return stored | {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}


def impure_parts(node: ast.AST) -> Iterator[ast.AST]:
    """What in an expression may have an effect, or give another value when it is evaluated again."""
    for part in ast.walk(node):
        is_call = isinstance(part, ast.Call) and not _is_pure_call(part)
        if is_call or isinstance(part, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)):
            yield part


def _is_pure_call(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Name):
        return call.func.id in _PURE_CALLS
    return isinstance(call.func, ast.Attribute) and call.func.attr in _PURE_METHODS


def touched_by(node: ast.AST) -> set[str]:
    """The names that a statement may bind, or whose objects it may change."""
    bound: set[str] = set()
    changed: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            bound.add(part.id)
        elif isinstance(part, (ast.Subscript, ast.Attribute)) and not isinstance(part.ctx, ast.Load):
            changed |= names_in(part.value)
        elif isinstance(part, ast.Call) and not _is_pure_call(part):
            changes_owner = isinstance(part.func, ast.Attribute) and part.func.attr in MUTATORS
            changed |= names_in(part.func if changes_owner else part)
        elif isinstance(part, (ast.FunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
            bound.add(part.name or "")
    # What changes an object under a name that it gave it itself may change an object of any name it reads.
    return bound | changed | (names_in(node) if bound & changed else set())


def kind_of(node: ast.expr, kinds: dict[str, str]) -> str:
    """The type of an expression's value as far as its form shows it, "" where it does not."""
    match node:
        case ast.Constant():
            return type(node.value).__name__
        case ast.Name():
            return kinds.get(node.id, "")
        case ast.Call():
            return _kind_of_call(node, kinds)
        case ast.BinOp():
            return _kind_of_operation(node, kinds)
        case ast.Subscript():
            whole = kind_of(node.value, kinds)
            return whole if whole == "str" or isinstance(node.slice, ast.Slice) else ""
        case ast.IfExp():
            return _common(kind_of(node.body, kinds), kind_of(node.orelse, kinds))
        case ast.BoolOp():
            return _common(*(kind_of(value, kinds) for value in node.values))
        case ast.UnaryOp():
            return "bool" if isinstance(node.op, ast.Not) else kind_of(node.operand, kinds)
        case _:
            return _KIND_OF_FORM.get(type(node), "")


_KIND_OF_FORM: dict[type[ast.expr], str] = {
    ast.JoinedStr: "str",
    ast.List: "list",
    ast.ListComp: "list",
    ast.Dict: "dict",
    ast.DictComp: "dict",
    ast.Set: "set",
    ast.SetComp: "set",
    ast.Tuple: "tuple",
    ast.Compare: "bool",
    ast.GeneratorExp: "iterator",
}


def _common(*kinds: str) -> str:
    return kinds[0] if len(set(kinds)) == 1 else ""


def _kind_of_call(node: ast.Call, kinds: dict[str, str]) -> str:
    if isinstance(node.func, ast.Name):
        return _CALL_KIND.get(node.func.id, "") if node.func.id != "round" or len(node.args) == 1 else ""
    if not isinstance(node.func, ast.Attribute):
        return ""
    if node.func.attr in ("copy", "union", "intersection"):
        return kind_of(node.func.value, kinds)
    return "int" if node.func.attr == "count" else _METHOD_KIND.get(node.func.attr, "")


def _kind_of_operation(node: ast.BinOp, kinds: dict[str, str]) -> str:
    left, right = kind_of(node.left, kinds), kind_of(node.right, kinds)
    if left in _NUMBERS and right in _NUMBERS:
        if isinstance(node.op, (ast.Pow, ast.BitAnd, ast.BitOr, ast.BitXor)):
            return ""
        return "float" if isinstance(node.op, ast.Div) or "float" in (left, right) else "int"
    if isinstance(node.op, ast.Mult) and "int" in (left, right):
        return left if right == "int" else right
    return left if left == right or (left == "str" and isinstance(node.op, ast.Mod)) else ""


def is_fresh(node: ast.expr, kinds: dict[str, str]) -> bool:
    """Whether evaluating the expression makes a new object whose elements, if they can change, are nobody else's."""
    match node:
        case ast.List() | ast.Tuple() | ast.Set():
            parts = node.elts
        case ast.Dict():
            parts = [*node.values, *(key for key in node.keys if key is not None)]
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            parts = [node.elt]
        case ast.DictComp():
            parts = [node.value]
        case ast.Call(func=ast.Name()) | ast.BinOp() | ast.UnaryOp() | ast.Compare() | ast.JoinedStr():
            return True
        case ast.Call(func=ast.Attribute(attr=attr)):
            return attr != "get"
        case ast.Subscript():
            return isinstance(node.slice, ast.Slice)
        case _:
            return isinstance(node, ast.Constant)
    return all(not isinstance(part, ast.Name) or kinds.get(part.id, "str") in IMMUTABLE for part in parts)
