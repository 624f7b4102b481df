"""What a program does, said without a value: it loops over something, calls, tests, assigns, returns.

Held against the code that ran. Such a claim is true or unchecked, never false: the words may mean another piece of
code.
"""

import ast
import functools
from collections.abc import Iterator

from ray_app.claims.claim import Claim
from ray_app.semantics.source import Source
from ray_app.verification.code import condition_of, written
from ray_app.verification.facts import Facts
from ray_app.verification.finding import UNKNOWN, Finding

Done = frozenset[str]
"""The names that a piece of code has to do with."""


def does(facts: Facts, claim: Claim) -> Finding:
    """Whether some code of that sort ran that has to do with all that the claim names."""
    wanted = {item.lower() for item in claim.items}
    if claim.subject == "changes":
        changed = wanted <= {name.lower() for name in facts.history}
        return Finding(True, f"{', '.join(wanted)} changes") if changed and wanted else UNKNOWN
    for node in _ran(facts):
        for names in _done(facts.run.source, node, claim.subject):
            if wanted <= names:
                return Finding(True, f"L{facts.run.source.line(node)} does so")
    return UNKNOWN


def _ran(facts: Facts) -> Iterator[int]:
    """The statements and clauses that ran, each once, in the order in which they first did."""
    return iter(dict.fromkeys(step.node for step in facts.run.steps))


@functools.lru_cache(maxsize=8_192)
def _done(source: Source, number: int, deed: str) -> tuple[Done, ...]:
    """For each thing of a sort that a statement does: the names that it has to do with."""
    return tuple(_names(part) for part in _DEEDS[deed](source.nodes[number], source, number))


def _names(parts: tuple[ast.AST, ...]) -> Done:
    names = {one.id.lower() for part in parts for one in ast.walk(part) if isinstance(one, ast.Name)}
    return frozenset(
        names | {one.attr.lower() for part in parts for one in ast.walk(part) if isinstance(one, ast.Attribute)}
    )


Parts = Iterator[tuple[ast.AST, ...]]


def _loops(node: ast.AST, _source: Source, _number: int) -> Parts:
    """A loop: its targets and what it goes through."""
    if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        yield node.target, node.iter
    if isinstance(node, ast.While):
        yield (node.test,)


def _calls(node: ast.AST, source: Source, number: int) -> Parts:
    """A call: what is called, and all that it is called with."""
    for part in _own(node, source, number):
        yield from ((one,) for one in ast.walk(part) if isinstance(one, ast.Call))


def _tests(node: ast.AST, source: Source, number: int) -> Parts:
    """A condition."""
    condition = condition_of(node)
    if condition is not None:
        yield (condition,)
    for part in _own(node, source, number):
        choices = (one for one in ast.walk(part) if isinstance(one, (ast.IfExp, ast.comprehension, ast.Compare)))
        yield from ((getattr(one, "test", one),) for one in choices)


def _assigns(node: ast.AST, source: Source, number: int) -> Parts:
    """An assignment: what is written, and where from."""
    if written(source, number) or isinstance(node, (ast.Assign, ast.AugAssign)):
        yield tuple(_own(node, source, number))


def _returns(node: ast.AST, _source: Source, _number: int) -> Parts:
    if isinstance(node, ast.Return):
        yield (node,)


def _breaks(node: ast.AST, _source: Source, _number: int) -> Parts:
    if isinstance(node, ast.Break):
        yield (node,)


def _continues(node: ast.AST, _source: Source, _number: int) -> Parts:
    if isinstance(node, ast.Continue):
        yield (node,)


def _own(node: ast.AST, source: Source, number: int) -> list[ast.AST]:
    """A statement's own expressions, not those of the statements in its blocks."""
    return [
        source.nodes[child]
        for child in source.children(number)
        if isinstance(source.nodes[child], (ast.expr, ast.withitem))
    ]


_DEEDS = {
    "loops": _loops,
    "calls": _calls,
    "tests": _tests,
    "assigns": _assigns,
    "returns": _returns,
    "breaks": _breaks,
    "continues": _continues,
}
"""By the subject of a claim."""
