"""Questions about the middle of an execution, with answers that the trace decides.

Kinds: "next-line" (which line begins after line L has begun for the n-th time), "value" and "type" (of a variable just
before that), "iterations" (of a loop), "coverage" (lines of a function that never run). Runs of a line are counted over
the whole call, in the order in which they begin. Only what has one right answer is asked: nothing about cut values or
what is known by name only, nor about loops and functions in which a statement's head spans lines; of a truncated trace
neither iterations nor coverage.
"""

import ast
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ray_app.tracing.model import Step, Trace, steps

ProbeKind = Literal["next-line", "value", "type", "iterations", "coverage"]
_NOT_LITERAL = (ValueError, SyntaxError, MemoryError, RecursionError, TypeError)
_CONSTRUCTED = re.compile(r"([A-Za-z_]\w*)\(")


@dataclass(frozen=True, slots=True)
class Probe:
    """A question about one call; `answer` is the reference answer, `check` says which others are as good."""

    question: str
    answer: str
    kind: ProbeKind


def probes(code: str, call: str, trace: Trace, *, seed: int, per_kind: int = 2) -> list[Probe]:
    """At most `per_kind` questions of each kind, chosen by the seed; the same for the same arguments."""
    rng = random.Random(f"{seed} {call} {code}")
    runs = _numbered_runs(trace)
    candidates: list[Sequence[Probe]] = [
        list(_next_lines(call, runs)),
        list(_values(call, runs)),
        list(_types(call, runs)),
    ]
    tree = _parsed(code)
    if tree is not None and not trace.truncated:
        candidates += [list(_iterations(call, tree, trace)), list(_coverage(call, tree, trace))]
    return [probe for found in candidates for probe in rng.sample(sorted(found, key=str), min(per_kind, len(found)))]


def check(probe: Probe, answer: str) -> bool:
    """Whether an answer means the same as the reference: as numbers, as a set of lines, as a type, or as a literal."""
    given = answer.strip().strip("`").strip()
    if probe.kind == "coverage":
        return _lines(given) == _lines(probe.answer)
    if probe.kind in ("next-line", "iterations"):
        return re.fullmatch(r"(?:line )?(\d+)\.?", given, re.IGNORECASE) is not None and (
            int(re.sub(r"\D", "", given)) == int(probe.answer)
        )
    if probe.kind == "type":
        return given.removeprefix("<class '").removesuffix("'>").strip("'\"") == probe.answer
    return given == probe.answer or _same_literal(given, probe.answer)


def _lines(text: str) -> frozenset[int] | None:
    if text.strip(" .").lower() in ("none", "[]"):
        return frozenset()
    numbers = re.findall(r"\d+", text)
    return frozenset(map(int, numbers)) if numbers else None


def _same_literal(left: str, right: str) -> bool:
    """Whether both are literals of the same value and, at every depth, the same types."""
    try:
        a, b = ast.literal_eval(left), ast.literal_eval(right)
    except _NOT_LITERAL:
        return False
    return a == b and _shape(a) == _shape(b)


def _shape(value: object) -> object:
    if isinstance(value, list | tuple):
        return type(value), [_shape(item) for item in value]
    if isinstance(value, dict):
        return dict, {key: (type(key), _shape(item)) for key, item in value.items()}
    return type(value)


@dataclass(frozen=True, slots=True)
class _Run:
    """A step with its count over all frames, and the line that begins next, if any."""

    step: Step
    count: int
    next_line: int | None


def _numbered_runs(trace: Trace) -> list[_Run]:
    ordered = list(steps(trace))
    counts: dict[int, int] = {}
    runs: list[_Run] = []
    for step, following in zip(ordered, [*ordered[1:], None], strict=True):
        counts[step.line] = counts.get(step.line, 0) + 1
        runs.append(_Run(step, counts[step.line], following.line if following else None))
    return runs


def _moment(run: _Run) -> str:
    return f"line {run.step.line} for the {_ordinal(run.count)} time"


def _ordinal(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _next_lines(call: str, runs: list[_Run]) -> Iterator[Probe]:
    for run in runs:
        if run.next_line is not None:
            question = f"During `{call}`, execution has just begun {_moment(run)}. Which line begins next?"
            yield Probe(question, str(run.next_line), "next-line")


def _values(call: str, runs: list[_Run]) -> Iterator[Probe]:
    for run in runs:
        for name, value in run.step.before.items():
            if not value.endswith("...") and ("<" not in value or _literal_type(value) is not None):
                question = f"During `{call}`, just before {_moment(run)}, what is the value of `{name}`?"
                yield Probe(question, value, "value")


def _types(call: str, runs: list[_Run]) -> Iterator[Probe]:
    for run in runs:
        for name, value in run.step.before.items():
            kind = _type_of(value)
            if kind is not None:
                question = f"During `{call}`, just before {_moment(run)}, what is the type of `{name}`?"
                yield Probe(question, kind, "type")


def _type_of(value: str) -> str | None:
    """The name of the type whose canonical text this is, None if the text does not tell."""
    literal = _literal_type(value)
    constructed = _CONSTRUCTED.match(value)
    return literal or (constructed[1] if constructed is not None else None)


def _literal_type(value: str) -> str | None:
    try:
        return type(ast.literal_eval(value)).__name__
    except _NOT_LITERAL:
        return None


def _parsed(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _iterations(call: str, tree: ast.Module, trace: Trace) -> Iterator[Probe]:
    """A loop iterates as often as its first statement begins, if that is a simple one that has its line for itself."""
    begun: dict[int, int] = {}
    for event in trace.events:
        if event.kind == "line" and not event.function.endswith(">"):  # not in a comprehension or lambda
            begun[event.line] = begun.get(event.line, 0) + 1
    for loop in ast.walk(tree):
        if not isinstance(loop, ast.For | ast.While) or loop.lineno not in begun:
            continue
        first = loop.body[0]
        if (
            not isinstance(first, _COMPOUND)
            and _has_one_line(first)
            and _has_one_line(loop)
            and first.lineno > loop.lineno
        ):
            count = str(begun.get(first.lineno, 0))
            question = f"During `{call}`, how many times in total does the body of the loop at line {loop.lineno} run?"
            yield Probe(question, count, "iterations")


def _coverage(call: str, tree: ast.Module, trace: Trace) -> Iterator[Probe]:
    ran = {event.line for event in trace.events if event.kind == "line"}
    called = {event.line for event in trace.events if event.kind == "call"}
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or _first_line(function) not in called:
            continue
        statements = list(_statements(function.body))
        if all(_has_one_line(statement) for statement in statements):
            missed = sorted({_first_line(statement) for statement in statements} - ran)
            question = (
                f"During `{call}`, which lines of `{function.name}` (line {function.lineno}) that begin a statement"
                " never run? Answer with their numbers, or none."
            )
            yield Probe(question, ", ".join(map(str, missed)) or "none", "coverage")


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that leave a line event when they run; not those of nested functions and classes."""
    for statement in body:
        if _leaves_no_event(statement):
            continue
        yield statement
        if isinstance(statement, _DEFINITIONS):
            continue
        for field in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, field, []))
        for block in (*getattr(statement, "handlers", []), *getattr(statement, "cases", [])):
            yield from _statements(block.body)


def _leaves_no_event(statement: ast.stmt) -> bool:
    """Declarations, and constants such as docstrings, for which there is no code."""
    if isinstance(statement, ast.Global | ast.Nonlocal):
        return True
    if isinstance(statement, ast.AnnAssign) and statement.value is None:
        return True
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _first_line(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    return decorators[0].lineno if decorators else statement.lineno


def _has_one_line(statement: ast.stmt) -> bool:
    """Whether the statement, or the head of a compound one, is on one line."""
    if isinstance(statement, _DEFINITIONS):
        return True
    if not isinstance(statement, _COMPOUND):
        return statement.lineno == statement.end_lineno
    heads = (node for node in ast.iter_child_nodes(statement) if isinstance(node, ast.expr | ast.withitem))
    ends = (getattr(node, "end_lineno", None) for head in heads for node in ast.walk(head))
    return all(end is None or end <= statement.lineno for end in ends)


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPOUND = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
