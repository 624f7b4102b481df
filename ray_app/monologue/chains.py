"""A chained comparison, link by link: which of `a < b`, `b < c` were made, and how each came out."""

import ast
from collections.abc import Sequence
from typing import NamedTuple

from ray_app.semantics.record import Evaluation
from ray_app.semantics.source import Source


class Link(NamedTuple):
    """One comparison of a chain: its operands, the sign between them, and its outcome."""

    left: ast.expr
    sign: str
    right: ast.expr
    holds: bool


_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}


def links(source: Source, node: ast.Compare, value: str, operands: Sequence[Evaluation]) -> list[Link]:
    """The links that were made; [] for a single comparison, and where the record does not tell which one failed.

    A chain that is true is true in every link. A false one stops at its first false link, after which no operand is
    evaluated: every operand behind the first link is in the record if it was.
    """
    if len(node.ops) < 2 or value not in ("True", "False"):
        return []
    sides = [node.left, *node.comparators]
    evaluated = {operand.node for operand in operands}
    reached = [source.id_of(side) in evaluated for side in sides[2:]]
    made = 1 + (reached.index(False) if False in reached else len(reached))
    if value == "True" and made < len(node.ops):  # an operand that leaves no evaluation, such as `locals()`
        return []
    return [
        Link(sides[at], _SIGNS[type(node.ops[at])], sides[at + 1], value == "True" or at < made - 1)
        for at in range(made)
    ]
