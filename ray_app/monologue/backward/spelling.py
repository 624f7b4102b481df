"""Expressions and values as they stand in a text."""

import ast
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
    """`3 == len(x)` as `len(x) == 3`, and `len`, `sorted` and `lower` of literals, `% 2` of numbers, worked out."""
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


# What can take long or make something large: a program's text may say `10**10**10`, and this is not the sandbox.
_CAN_GROW = (ast.comprehension, ast.Mult, ast.Pow, ast.LShift, ast.Mod, ast.JoinedStr)
_KNOWN = {"__builtins__": {}, "len": len, "sorted": sorted}


def _worked_out(node: ast.expr) -> ast.expr:
    """The literal that a measure of a literal gives; what mentions anything else stays as it is."""
    parts = list(ast.walk(node))
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    methods = {part.attr for part in parts if isinstance(part, ast.Attribute)}
    if names - set(_KNOWN) or methods - {"lower"} or any(isinstance(part, _CAN_GROW) for part in parts):
        return node
    try:
        # Only `len`, `sorted`, `lower`, sums and items, of literals that the record holds.
        value = eval(compile(ast.fix_missing_locations(ast.Expression(node)), "<literal>", "eval"), dict(_KNOWN))
        return parse_expression(literal(value))
    except (TypeError, ValueError, LookupError, ArithmeticError, SyntaxError):
        return node
