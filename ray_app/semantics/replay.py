"""Asking a recorded run more: the value of any expression, wherever a step of it began.

CPython answers. The program runs again in the sandbox, with the expression compiled into it at that place, so it sees
the real scope: locals, captured variables, globals, built-ins that are shadowed. It is evaluated once, when the step
begins (where a step binds names, after that), and each question has a run of its own, so no answer changes another.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ray_app.parsing import parse_expression
from ray_app.sandbox.api import Lane, Sandbox, shared
from ray_app.sandbox.batch import Job, Result
from ray_app.sandbox.limits import Limits
from ray_app.semantics.api import LIMITS, record
from ray_app.semantics.reader import Event, Note, Notes, decode
from ray_app.semantics.record import Run, Step
from ray_app.tracing.instrument import Question

_LETTERS = {"iteration": "I", "test": "W", "case": "M", "handler": "H", "finally": "F", "comprehension": "K"}
_BINDING = (ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Await)
"""What would change the frame in which it is evaluated."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The canonical value of the expression, or "Type: message" of the exception that it raised.

    Neither where the question cannot be asked: the text is no expression, or binds or awaits something, or its place
    was not reached within the limits.
    """

    value: str | None
    exception: str | None


_NONE = Answer(None, None)


def evaluate(
    code: str,
    call: str,
    questions: Sequence[tuple[int, str]],
    *,
    run: Run | None = None,
    limits: Limits = LIMITS,
    lane: Lane = "safe",
    sandbox: Sandbox | None = None,
) -> list[Answer]:
    """An answer for each (index of a step, expression), in order. Without the `run` the call is recorded first."""
    known = run or record(code, call, limits, sandbox=sandbox).run
    if known is None:
        return [_NONE] * len(questions)
    asked = [_question(known, known.steps[index], text) for index, text in questions]
    jobs = (Job(question.before(code), (call,), limits, notes=True) for question in asked if question is not None)
    results = (sandbox or shared()).results_of(jobs, lane=lane)
    return [_NONE if question is None else _answer(next(results)[0]) for question in asked]


def _question(run: Run, step: Step, text: str) -> Question | None:
    """The question as the program's instrumentation takes it; None where it cannot be asked."""
    node = run.source.nodes[step.node]
    if isinstance(node, ast.Lambda) or not _is_askable(text):
        return None
    return Question(_LETTERS.get(step.kind, "S"), step.node, step.run_visit, text.strip())


def _is_askable(text: str) -> bool:
    try:
        expression = parse_expression(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return not any(isinstance(node, _BINDING) for node in ast.walk(expression))


def _answer(result: Result) -> Answer:
    """What was recorded from the question on: the answer, or the exception that left its frame instead."""
    try:
        notes = decode(result.trace)
    except ValueError:
        return _NONE
    for entry in _after_question(notes):
        if isinstance(entry, Note) and entry.kind == "R":
            return Answer(entry.text, None)
        if isinstance(entry, Event) and entry.kind == "exception":
            return Answer(None, entry.value)
    return _NONE


def _after_question(notes: Notes) -> Iterator[Note | Event]:
    """What the asking frame did from the question on."""
    frame: int | None = None
    for entry in notes.entries:
        if isinstance(entry, Note) and entry.kind == "Q":
            frame = entry.frame
        elif isinstance(entry, (Note, Event)) and entry.frame == frame:
            yield entry
