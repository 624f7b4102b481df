"""Python values as text, read and compared in trusted code, so that no program can lie about what it returned."""

import ast
import json
import math
import re
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

from ray_app.parsing import parse_expression

RELATIVE_TOLERANCE = 1e-07
_NUMBERS = re.compile(r"\[*-?\d[-+.e\d, \[\]]*")
"""Numbers and lists of them, which are quicker to read as JSON, and the same where JSON reads them at all."""
_NAMES = {"inf": math.inf, "nan": math.nan}
_MAKERS: dict[str, Callable[..., Any]] = {
    "set": set,
    "frozenset": frozenset,
    "Counter": Counter,
    "OrderedDict": OrderedDict,
    "deque": deque,
}
MAX_CHARS = 1_000_000


class OpaqueError(ValueError):
    """The text is not a literal of built-in types: it must be run to be known."""


def read(text: str) -> Any:
    """The value of a literal; also `inf`, `nan`, `set()`, and `Counter({...})` and the like, as `repr` writes them.

    OpaqueError for anything else, and for texts too long or too deep to read here.
    """
    if len(text) > MAX_CHARS:
        raise OpaqueError("longer than is read outside the sandbox")
    if _NUMBERS.fullmatch(text):
        with suppress(ValueError, RecursionError):
            return json.loads(text)
    try:
        return value_of(parse_expression(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError, TypeError) as error:
        raise OpaqueError(str(error)) from error


def value_of(node: ast.expr) -> Any:
    """The value of a literal's syntax tree; OpaqueError if it is not one."""
    match node:
        case ast.Constant(value=value) if value is not Ellipsis:
            return value
        case ast.List(elts=parts):
            return [value_of(part) for part in parts]
        case ast.Tuple(elts=parts):
            return tuple(value_of(part) for part in parts)
        case ast.Set(elts=parts):
            return {_hashable(value_of(part)) for part in parts}
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = zip(cast("list[ast.expr]", keys), values, strict=True)
            return {_hashable(value_of(key)): value_of(value) for key, value in pairs}
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            number = _number(operand)
            return -number if isinstance(sign, ast.USub) else +number
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as sign, right=ast.Constant(value=complex() as imaginary)):
            real = _number(left)
            return real - imaginary if isinstance(sign, ast.Sub) else real + imaginary
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in _MAKERS and len(parts) <= 1:
            return _MAKERS[name](*[value_of(part) for part in parts])
        case _:
            raise OpaqueError(type(node).__name__)


def is_strict_literal(node: ast.expr) -> bool:
    """Whether the tree means the same whatever the program defined: no name is looked up, except in `set()`."""
    return not any(isinstance(part, ast.Name | ast.Call) and not _is_empty_set(part, node) for part in ast.walk(node))


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same type at every level: `1`, `1.0` and `True` differ. Two nan are the same."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, list | tuple):
        return _all_pairs(same, left, right)
    if isinstance(left, dict):
        keys = {_typed(key): key for key in right}
        return len(left) == len(right) and all(
            _typed(key) in keys and same(value, right[keys[_typed(key)]]) for key, value in left.items()
        )
    if isinstance(left, set | frozenset):
        return {_typed(item) for item in left} == {_typed(item) for item in right}
    return bool(left == right)


def alike(left: Any, right: Any, tolerance: float) -> bool:
    """Equal in structure; numbers within `tolerance` (plus 1e-7 relative), an int and a float may be equal, a
    dict and a Counter too; a bool is only equal to a bool."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right or close(left, right, tolerance)
    if isinstance(left, dict) and isinstance(right, dict):
        return len(left) == len(right) and all(
            key in right and alike(value, right[key], tolerance) for key, value in left.items()
        )
    if type(left) is not type(right):
        return False
    if isinstance(left, list | tuple):
        return _all_pairs(lambda a, b: alike(a, b, tolerance), left, right)
    return bool(left == right)


def close(left: Any, right: Any, tolerance: float) -> bool:
    """`numpy.allclose(left, right, rtol=1e-7, atol=tolerance)` for numbers and nested sequences of equal shape.

    False where NumPy would raise (ragged, or not numbers). Not covered: broadcasting between different shapes.
    """
    if isinstance(left, int | float | complex) and isinstance(right, int | float | complex):
        return _close_numbers(left, right, tolerance)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return _all_pairs(lambda a, b: close(a, b, tolerance), left, right)
    return False


def _close_numbers(left: complex, right: complex, tolerance: float) -> bool:
    try:
        if left == right:
            return True
        gap, size = abs(left - right), abs(right)
    except OverflowError:
        return False
    return math.isfinite(gap) and math.isfinite(size) and gap <= tolerance + RELATIVE_TOLERANCE * size


def _all_pairs(agree: Callable[[Any, Any], bool], left: Sequence[Any], right: Sequence[Any]) -> bool:
    return len(left) == len(right) and all(agree(a, b) for a, b in zip(left, right, strict=True))


def _typed(value: Any) -> tuple[str, str]:
    """A key that tells equal values of different types apart (of hashable literals, whose repr is canonical)."""
    if isinstance(value, frozenset):
        return "frozenset", str(sorted(map(_typed, value)))
    return type(value).__name__, repr(value)


def _number(node: ast.expr) -> Any:
    value = value_of(node)
    if isinstance(value, bool) or not isinstance(value, int | float | complex):
        raise OpaqueError("a sign before something that is not a number")
    return value


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError as error:
        raise OpaqueError(str(error)) from error
    return value


def _is_empty_set(part: ast.AST, root: ast.expr) -> bool:
    match part:
        case ast.Call(func=ast.Name(id="set"), args=[], keywords=[]):
            return True
        case ast.Name(id="set"):
            return any(isinstance(node, ast.Call) and node.func is part for node in ast.walk(root))
        case _:
            return False
