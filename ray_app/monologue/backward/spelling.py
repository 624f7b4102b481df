"""Expressions and values as they stand in a text."""

import ast

from ray_app.parsing import parse_expression


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
            inner = node.args[0]
            if isinstance(inner, ast.GeneratorExp) and inner.end_col_offset == (node.end_col_offset or 0) - 1:
                cuts |= {inner.col_offset, inner.end_col_offset - 1}
    data = text.encode()
    return bytes(byte for at, byte in enumerate(data) if at not in cuts).decode()
