"""Pieces of text as Python: literals in canonical form, expressions and statements as trees, all remembered."""

import ast
import functools
import re
import warnings
from typing import cast

from ray_app.tracing.canonical import canonical

MAX_CHARS = 20_000
_BEYOND_ASCII = {"≤": "<=", "≥": ">=", "≠": "!=", "−": "-", "×": "*"}
_FAULTS = (SyntaxError, ValueError, TypeError, RecursionError, MemoryError)


@functools.lru_cache(maxsize=16_384)
def literal(piece: str) -> str | None:
    """The canonical text of a literal, None where the piece is none (or one that only Python's own `repr` could
    show)."""
    if piece.isdecimal() and piece.isascii() and (piece[0] != "0" or piece == "0"):
        return piece
    try:
        return canonical(ast.literal_eval(_tree(piece.strip(), "eval")), MAX_CHARS)
    except _FAULTS:
        return None


@functools.lru_cache(maxsize=16_384)
def parsed(piece: str) -> ast.expr | None:
    """The expression that a piece spells."""
    if len(piece) > MAX_CHARS:
        return None
    for spoken, written in _BEYOND_ASCII.items():
        if spoken in piece and "'" not in piece:
            piece = piece.replace(spoken, written)
    try:
        return cast(ast.Expression, _tree(piece.strip(), "eval")).body
    except _FAULTS:
        return None


def _tree(text: str, mode: str) -> ast.AST:
    """The tree of a text; odd escapes and comparisons in it are the author's affair, not a warning of ours."""
    if "\\" not in text and " is " not in text:
        return ast.parse(text, mode=mode)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, mode=mode)


def shown_tree(text: str) -> ast.expr | None:
    """A shown value as a tree; what has no literal of its own (`<class 'list'>`) stands in it as None."""
    return parsed(re.sub(r"<[^<>]*>", "None", text)) if "<" in text else parsed(text)


@functools.lru_cache(maxsize=16_384)
def normal(text: str) -> str:
    """A value's text in the form in which equal values are equal texts, whether it is a literal or shows an object."""
    if text[:1].isdigit() and text.isdecimal():
        return text
    found = literal(text)
    if found is not None:
        return found
    node = parsed(text)
    if node is None:
        return " ".join(text.split())
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        node = ast.Call(node.func, _as_shown(node.args), [])
    try:
        return ast.unparse(node)
    except _FAULTS:
        return " ".join(text.split())


def _as_shown(arguments: list[ast.expr]) -> list[ast.expr]:
    """The arguments of a range as Python shows it: from where, and no step of 1."""
    if len(arguments) == 1:
        return [ast.Constant(0), *arguments]
    return arguments[:2] if ast.unparse(arguments[-1]) == "1" and len(arguments) == 3 else arguments


def is_shown_object(node: ast.expr) -> bool:
    """Whether an expression is how an object would be shown: `Counter({'a': 1})`, `Point(x=1, y=2)`."""
    if isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id in ("inf", "nan")):
        return True
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return all(is_shown_object(item) for item in node.elts)
    if isinstance(node, ast.Dict):
        return all(item is not None and is_shown_object(item) for item in [*node.keys, *node.values])
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)
    if isinstance(node, ast.Attribute):  # a member of an enumeration
        return isinstance(node.value, ast.Name) and node.value.id[:1].isupper() and node.attr[:1].isupper()
    if not isinstance(node, ast.Call):
        return False
    name = (
        node.func.attr
        if isinstance(node.func, ast.Attribute)
        else node.func.id
        if isinstance(node.func, ast.Name)
        else ""
    )
    shows = name[:1].isupper() or name in _SHOWN
    return shows and all(map(is_shown_object, [*node.args, *(word.value for word in node.keywords)]))


_SHOWN = frozenset(
    [
        *("deque", "defaultdict", "frozenset", "set", "date", "datetime", "time", "timedelta", "range", "array"),
        *("dict_items", "dict_keys", "dict_values", "mappingproxy"),
    ]
)
