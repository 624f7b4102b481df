"""What follows from recorded values: a part of a value, its length, whether it contains something.

CPython computes it, here and now, over literals alone: only a closed list of operations is let through, none of which
can take long or make something large. Whatever else a text asks for is a question for the sandbox (`semantics.replay`).
"""

import ast
import copy
import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from ray_app.claims.code import literal, normal, parsed, shown_tree
from ray_app.tracing.canonical import canonical

_NODES = (
    *(
        ast.Constant,
        ast.List,
        ast.Tuple,
        ast.Set,
        ast.Dict,
        ast.Compare,
        ast.Subscript,
        ast.Slice,
        ast.UnaryOp,
        ast.BoolOp,
    ),
    *(ast.Name, ast.Call, ast.BinOp, ast.cmpop, ast.unaryop, ast.boolop, ast.expr_context),
    *(ast.Add, ast.Sub, ast.Mod, ast.FloorDiv, ast.Div, ast.Mult),
)
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (len, max, min, sum, sorted, abs, type, list, set, bool, str, int, float, tuple, round, any, all)
}
_METHODS = frozenset(
    "startswith endswith count index find upper lower strip lstrip rstrip split keys values items get isupper islower "  # noqa: SIM905
    "isdigit isalpha isalnum isspace isnumeric isdecimal istitle isascii isidentifier title capitalize swapcase "
    "casefold copy".split()
)
_MOST = 10**12
_LONGEST = 4_000


class UnknownError(Exception):
    """The values at hand do not tell."""


def value_of(piece: str, state: Mapping[str, str]) -> str | None:
    """The canonical text of what an expression is where names have these values; None where they do not tell."""
    node = parsed(piece)
    if node is None:
        return None
    shown = resolve(node, state)
    if shown is not None:
        return shown
    if "len(" in piece:
        node = _Sizes(state).visit(copy.deepcopy(node))
    try:
        return canonical(_evaluate(node, state), _LONGEST * 4)
    except Exception:  # whatever the operation raises: it has no value
        return None


class _Sizes(ast.NodeTransformer):
    """`len(xs)` as a number, where `xs` holds objects: their texts are no literals, but show how many there are."""

    def __init__(self, state: Mapping[str, str]) -> None:
        self._state = state

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)]) if "len" not in self._state:
                count = _count(self._state.get(name, ""))
                return node if count is None else ast.Constant(count)
            case _:
                return node


@functools.lru_cache(maxsize=4_096)
def _count(text: str) -> int | None:
    shown = shown_tree(text)
    if isinstance(shown, (ast.List, ast.Tuple, ast.Set)):
        return len(shown.elts)
    return len(shown.keys) if isinstance(shown, ast.Dict) else None


def is_literal(node: ast.expr) -> bool:
    """Whether an expression names nothing: its value is the same everywhere."""
    return not any(isinstance(part, ast.Name) and part.id not in _FUNCTIONS for part in ast.walk(node))


def _evaluate(node: ast.expr, state: Mapping[str, str]) -> Any:
    names: dict[str, Any] = {"__builtins__": {}}
    for part in ast.walk(node):
        if not _is_allowed(part):
            raise UnknownError
        if isinstance(part, ast.Name):
            names[part.id] = _named(part.id, state)
    for part in ast.walk(node):
        if isinstance(part, ast.BinOp):
            _must_be_small(part, names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever wrote `x is 1` need not be told so on our terminal
        code = compile(ast.fix_missing_locations(ast.Expression(node)), "<claim>", "eval")
    return eval(code, names)


def _is_allowed(part: ast.AST) -> bool:
    """Whether a node is on the closed list: nothing that calls code of the program, takes long or makes something
    large."""
    if isinstance(part, ast.Attribute):
        return part.attr in _METHODS or part.attr == "__name__"
    if isinstance(part, ast.Constant) and isinstance(part.value, (str, bytes)):
        return len(part.value) <= _LONGEST
    return isinstance(part, _NODES)


def _named(name: str, state: Mapping[str, str]) -> Any:
    """A variable's value, or a function of Python's that no variable hides."""
    text = state.get(name)
    if text is not None:
        return literal_value(text)
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    raise UnknownError


def _must_be_small(node: ast.BinOp, names: Mapping[str, Any]) -> None:
    """Products grow, so only those of numbers at hand are let through, as long as they are small."""
    if not isinstance(node.op, (ast.Mult, ast.Mod)):
        return
    for operand in (node.left, node.right):
        value = operand.value if isinstance(operand, ast.Constant) else None
        if isinstance(operand, ast.Name):
            value = names.get(operand.id)
        if isinstance(operand, ast.UnaryOp) and isinstance(operand.operand, ast.Constant):
            value = operand.operand.value
        is_number = isinstance(value, (int, float)) and abs(value) < _MOST
        if not is_number and not (isinstance(node.op, ast.Mod) and _gives_number(operand, names)):
            raise UnknownError


def _gives_number(node: ast.expr, names: Mapping[str, Any]) -> bool:
    """Whether an operand is a number whatever it holds: of a text, `%` is formatting, and as long as it asks for."""
    match node:
        case ast.Constant(value=value):
            return isinstance(value, (int, float))
        case ast.Name(id=name):
            return isinstance(names.get(name), (int, float))
        case ast.BinOp(left=left, right=right):
            return _gives_number(left, names) and _gives_number(right, names)
        case ast.UnaryOp(operand=operand):
            return _gives_number(operand, names)
        case ast.Call(func=ast.Name(id=name)):
            return name in ("len", "int", "abs", "round", "sum")
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in ("count", "index", "find")
        case _:
            return False


def literal_value(text: str) -> Any:
    """The value that a text spells. UnknownError where it is no literal."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise UnknownError from error


def resolve(node: ast.expr, state: Mapping[str, str]) -> str | None:
    """The text of a name, of an item or of an attribute, from the texts of variables; objects too, as they are
    shown."""
    if isinstance(node, ast.Name):
        return state.get(node.id)
    if isinstance(node, ast.Attribute):
        own = state.get(ast.unparse(node))  # "Cls.attr" is a variable of its own
        owner = resolve(node.value, state) if own is None else None
        return own if own is not None else _attribute(owner, node.attr) if owner is not None else None
    if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
        owner, key = resolve(node.value, state), resolve(node.slice, state)
        return _item(owner, key) if owner is not None and key is not None else None
    return literal(ast.unparse(node)) if isinstance(node, (ast.Constant, ast.UnaryOp, ast.Tuple)) else None


@functools.lru_cache(maxsize=4_096)
def _attribute(owner: str, name: str) -> str | None:
    node = shown_tree(owner)
    if not isinstance(node, ast.Call):
        return None
    return next((normal(ast.unparse(word.value)) for word in node.keywords if word.arg == name), None)


@functools.lru_cache(maxsize=4_096)
def _item(owner: str, key: str) -> str | None:
    """An item of a container as it is shown; `Counter({...})` and its like hold theirs in their argument."""
    node = shown_tree(owner)
    if isinstance(node, ast.Call) and node.args:
        node = node.args[-1]
    if isinstance(node, ast.Dict):
        found = [
            value
            for name, value in zip(node.keys, node.values, strict=True)
            if name is not None and normal(ast.unparse(name)) == key
        ]
        return normal(ast.unparse(found[-1])) if found else None
    if (
        isinstance(node, (ast.List, ast.Tuple))
        and key.lstrip("-").isdecimal()
        and -len(node.elts) <= int(key) < len(node.elts)
    ):
        return normal(ast.unparse(node.elts[int(key)]))
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and key.lstrip("-").isdecimal():
        return canonical(node.value[int(key)]) if -len(node.value) <= int(key) < len(node.value) else None
    return None


def size(text: str) -> int | None:
    """How many items a shown container has: `deque([1, 2], maxlen=3)` and its like have those of what is in it."""
    node = shown_tree(text)
    if isinstance(node, ast.Call) and node.args:
        node = node.args[-1]
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return len(node.elts)
    if isinstance(node, ast.Dict):
        return len(node.keys)
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
        return len(node.value)
    return 0 if isinstance(node, ast.Call) else None
