"""Which calls of a program are worth keeping: those that take new paths, and then those of other lengths.

A path is seen through the transitions between executed lines within a frame, so a branch that is taken and one that is
not are different even where both lead to the same line later.
"""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ray_app.tracing.model import Trace

Arc = tuple[str, int, int]
"""Function, line, next line of the same frame; 0 stands for the frame's start and -1 for its end."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Lines and branch outcomes of a program that some calls reach, out of those that exist."""

    lines: int
    all_lines: int
    outcomes: int
    all_outcomes: int


def reached(traces: Iterable[Trace]) -> set[int]:
    """The lines that these traces execute."""
    return {event.line for trace in traces for event in trace.events if event.kind == "line"}


def arcs(trace: Trace) -> frozenset[Arc]:
    """The transitions between lines that a trace takes."""
    last: dict[int, int] = {}
    found: set[Arc] = set()
    for event in trace.events:
        if event.kind == "line":
            found.add((event.function, last.get(event.frame, 0), event.line))
            last[event.frame] = event.line
        elif event.kind == "return":
            found.add((event.function, last.get(event.frame, 0), -1))
    return frozenset(found)


def choose(traces: Sequence[Trace], keep: int) -> list[int]:
    """Indices of at most `keep` traces, in order: first the greedy smallest set that takes every transition any of them
    takes, then those whose length is farthest from the lengths already chosen (earlier ones where equal)."""
    paths = [arcs(trace) for trace in traces]
    chosen: list[int] = []
    covered: set[Arc] = set()
    while len(chosen) < min(keep, len(traces)):
        left = [index for index in range(len(traces)) if index not in chosen]
        best = max(left, key=lambda index: (len(paths[index] - covered), -len(traces[index].events), -index))
        if not paths[best] - covered:
            break
        chosen.append(best)
        covered |= paths[best]
    while len(chosen) < min(keep, len(traces)):
        lengths = [len(traces[index].events) for index in chosen]
        left = [index for index in range(len(traces)) if index not in chosen]
        chosen.append(max(left, key=lambda index: (_distance(len(traces[index].events), lengths), -index)))
    return sorted(chosen)


def measure(code: str, traces: Sequence[Trace]) -> Coverage:
    """Line and branch coverage of the functions in `code` by these traces.

    Lines are those of statements inside functions; outcomes are the two of each `if`, `while` and `for` whose body
    starts on a line of its own (entered or not).
    """
    statements, branches = _structure(ast.parse(code))
    outcomes: set[tuple[int, bool]] = set()
    for trace in traces:
        for _, line, following in arcs(trace):
            if line in branches:
                outcomes.add((line, following == branches[line]))
    return Coverage(len(reached(traces) & statements), len(statements), len(outcomes), 2 * len(branches))


def _structure(tree: ast.Module) -> tuple[set[int], dict[int, int]]:
    """Lines of statements in functions; for each branching line, the first line of its body."""
    statements: set[int] = set()
    branches: dict[int, int] = {}
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if node is function or not isinstance(node, ast.stmt) or isinstance(node, ast.Global | ast.Nonlocal):
                continue
            if isinstance(node, ast.Try):
                continue
            statements.add(node.lineno)
            if isinstance(node, ast.If | ast.While | ast.For) and node.body[0].lineno != node.lineno:
                branches[node.lineno] = node.body[0].lineno
    return statements, branches


def _distance(length: int, others: Sequence[int]) -> float:
    """How many times longer or shorter than the nearest of `others`."""
    return min((max(length, other) + 1) / (min(length, other) + 1) for other in others)
