"""The numbers of a syntax tree's nodes: the same for the same text in every process, so that a number names a node.

The process that runs programs numbers nodes too, and loads as little as it can: hence `_ast`.
"""

import _ast
from typing import Any

_WITHOUT_NODES = frozenset(
    "ctx op ops id attr arg kind type_comment level module is_async conversion simple asname tag rest kwd_attrs"  # noqa: SIM905
    " lineno".split()
)
"""Fields that hold texts and numbers, or operators and contexts: of those the parser makes one object for all places,
so they name no place and get no number."""
_LEAVES: tuple[type[Any], ...] = (_ast.Constant, _ast.Global, _ast.Nonlocal, _ast.alias)
_fields: dict[type[Any], tuple[str, ...]] = {}


def number_nodes(tree: Any) -> list[Any]:
    """The nodes in pre-order, each at the index that is its number; the module itself is number 0."""
    found: list[Any] = []
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        found.append(node)
        children = children_of(node)
        if children:
            children.reverse()
            waiting += children
    return found


def children_of(node: Any) -> list[Any]:
    """The numbered nodes right below a node, in the order of its fields."""
    kind = type(node)
    fields = _fields.get(kind)
    if fields is None:
        fields = _fields[kind] = _node_fields(kind)
    children: list[Any] = []
    for field in fields:
        held = getattr(node, field, None)
        if type(held) is list:
            children += held
        elif held is not None and type(held) is not str:  # a name, of most kinds that have one
            children.append(held)
    return [child for child in children if child is not None] if None in children else children


def _node_fields(kind: type[Any]) -> tuple[str, ...]:
    if issubclass(kind, _LEAVES):
        return ()
    return tuple(field for field in kind._fields if field not in _WITHOUT_NODES)
