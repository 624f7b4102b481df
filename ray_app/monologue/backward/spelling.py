"""Expressions and values as they stand in a text."""

import ast
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

from ray_app.parsing import parse_expression
from ray_app.programs.inputs import literal


def written(expression: ast.expr) -> str:
    """The expression on one line, correctly bracketed; "" where it cannot be written."""
    try:
        text = ast.unparse(ast.fix_missing_locations(expression))
        tree = parse_expression(text)
    except (SyntaxError, ValueError, RecursionError):
        return ""
    return "" if "\n" in text else _without_double_brackets(text, tree)


def _without_double_brackets(text: str, tree: ast.expr) -> str:
    """`any((x for x in y))` as `any(x for x in y)`: where a generator expression is the only argument."""
    cuts: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
            inner, last = node.args[0], (node.end_col_offset or 0) - 1
            if isinstance(inner, ast.GeneratorExp) and inner.end_col_offset == last:
                cuts |= {inner.col_offset, last - 1}
    data = text.encode()
    return bytes(byte for at, byte in enumerate(data) if at not in cuts).decode()


_MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.Eq,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
}


def folded(expression: ast.expr) -> ast.expr:
    """`3 == len(x)` as `len(x) == 3`, and `len`, `sorted` and `lower` of literals, `% 2` of numbers, worked out.

    The expression is changed in place.
    """
    expression = _Items().visit(expression)
    if isinstance(expression, ast.Compare) and len(expression.ops) == 1:
        left, right = _worked_out(expression.left), _worked_out(expression.comparators[0])
        mirrored = _MIRRORED.get(type(expression.ops[0]))
        if mirrored is not None and _value(left) is not _NONE:
            return _moved(ast.Compare(right, [mirrored()], [left]))
        return ast.Compare(left, expression.ops, [right])
    return expression


def _moved(comparison: ast.Compare) -> ast.Compare:
    """`len(x) + 2 == 5` as `len(x) == 3`."""
    sides = (comparison.left, comparison.comparators[0])
    match sides:
        case ast.BinOp(
            left=ast.Call() as call, op=ast.Add() | ast.Sub() as op, right=ast.Constant(value=int() as by)
        ), _:
            total = _value(sides[1])
            if type(total) is int:
                return ast.Compare(
                    call, comparison.ops, [ast.Constant(total - by if isinstance(op, ast.Add) else total + by)]
                )
        case _:
            pass
    return comparison


_NONE = object()


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return _NONE


def _number(value: Any, other: Any, work: Callable[[int, int], int]) -> int:
    if type(value) is not int or type(other) is not int:
        raise TypeError("no whole numbers")
    return work(value, other)


_MEASURES: dict[str, Callable[[Any], Any]] = {"len": len, "sorted": sorted}
_OPERATIONS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mod: operator.mod,
}


def _worked_out(node: ast.expr) -> ast.expr:
    """The literal that a measure, an item or a sum of literals is; what mentions anything else stays as it is."""
    try:
        value = _known(node)
    except (TypeError, ValueError, LookupError, ArithmeticError):
        return node
    return node if value is _NONE or isinstance(node, ast.Constant) else parse_expression(literal(value))


def _known(node: ast.expr) -> Any:
    """The value of an expression of literals, as far as laws put to a result need it; `_NONE` for any other."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _MEASURES:
            return _of_known(_MEASURES[name], argument)
        case ast.Call(func=ast.Attribute(value=owner, attr="lower"), args=[]):
            return _of_known(str.lower, owner)
        case ast.Subscript(value=owner, slice=ast.Slice() as part):
            bounds = [None if bound is None else ast.literal_eval(bound) for bound in (part.lower, part.upper)]
            return _NONE if part.step else _of_known(operator.itemgetter(slice(*bounds)), owner)
        case ast.Subscript(value=owner, slice=ast.Constant(value=place)):
            return _of_known(operator.itemgetter(place), owner)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS and _value(node) is _NONE:
            work = partial(_number, other=_known(right), work=_OPERATIONS[type(op)])
            return _of_known(work, left)
        case _:
            return _value(node)


def _of_known(work: Callable[[Any], Any], operand: ast.expr) -> Any:
    value = _known(operand)
    return _NONE if value is _NONE else work(value)


class _Items(ast.NodeTransformer):
    """`(1, [2, 3])[1]` as `[2, 3]`, wherever it stands."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        return _worked_out(node)
