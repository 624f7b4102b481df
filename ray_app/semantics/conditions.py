"""What of a program is evaluated for its truth alone, and which evaluations follow from others there.

Where `a and b` stands as a condition CPython asks for the truth of `a` and `b` and never makes the value of the whole.
Nor do notes; its value and truth are those of the operand at which evaluation ended.
"""

import ast
import functools
from dataclasses import dataclass

from ray_app.semantics.source import Source


@dataclass(frozen=True, slots=True)
class Completion:
    """A condition that is complete once another is: `negated` where its truth is the opposite."""

    node: int
    negated: bool


@functools.lru_cache(maxsize=64)
def conditions(source: Source) -> frozenset[int]:
    """The nodes that are evaluated for their truth alone."""
    waiting: list[ast.expr] = []
    for node in source.nodes:
        if isinstance(node, (ast.If, ast.While, ast.Assert, ast.IfExp)):
            waiting.append(node.test)
        elif isinstance(node, ast.comprehension):
            waiting += node.ifs
        elif isinstance(node, ast.match_case) and node.guard:
            waiting.append(node.guard)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            waiting.append(node.operand)
    found: set[int] = set()
    while waiting:
        node = waiting.pop()
        found.add(source.id_of(node))
        if isinstance(node, ast.BoolOp):
            waiting += node.values
        elif isinstance(node, ast.IfExp):
            waiting += (node.body, node.orelse)
    return frozenset(found)


def completes(source: Source, node: int, truth: bool) -> Completion | None:
    """The condition around a node that is complete when the node is and has this truth."""
    above = source.parent(node)
    if above not in conditions(source):
        return None
    condition, part = source.nodes[above], source.nodes[node]
    if isinstance(condition, ast.UnaryOp):
        return Completion(above, negated=True)
    if isinstance(condition, ast.IfExp):
        return None if part is condition.test else Completion(above, negated=False)
    if isinstance(condition, ast.BoolOp):
        decided = truth == isinstance(condition.op, ast.Or) or part is condition.values[-1]
        return Completion(above, negated=False) if decided else None
    return None
