"""The numbers of a syntax tree's nodes: the same for the same text in every process, so that a number names a node.

The process that runs programs numbers nodes too, and loads as little as it can: hence `_ast`.
"""

import _ast
from typing import Any

_SHARED: tuple[type[Any], ...] = (_ast.expr_context, _ast.boolop, _ast.operator, _ast.unaryop, _ast.cmpop)
"""Kinds of which the parser makes one object for all places: they name no place, so they get no number."""


def number_nodes(tree: Any) -> list[Any]:
    """The nodes in pre-order, each at the index that is its number; the module itself is number 0."""
    found: list[Any] = []
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += reversed(children_of(node))
    return found


def children_of(node: Any) -> list[Any]:
    """The numbered nodes right below a node, in the order of its fields."""
    children: list[Any] = []
    for field in node._fields:
        held = getattr(node, field, None)
        for child in held if type(held) is list else (held,):
            if isinstance(child, _ast.AST) and not isinstance(child, _SHARED):
                children.append(child)
    return children
