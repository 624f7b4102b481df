"""The second witness: a record must say what the plain run and its line trace say.

A line trace comes from another mechanism (line events, on the program as it is), so that a fact that both tell is
hardly the mistake of one. Compared are the result, the printed text, every frame (its function, its arguments, its end,
its value, what it yielded), the exceptions that were raised, and all variables wherever a statement begins that has
its line to itself. Values that were cut agree as far as they go.
"""

import ast
import functools
from collections import Counter
from collections.abc import Iterator, Sequence

from ray_app.records import Execution
from ray_app.semantics.assembly import WRAPPED
from ray_app.semantics.record import Frame, Run
from ray_app.semantics.source import Source
from ray_app.tracing.instrument import watched_names
from ray_app.tracing.model import Event, Trace

_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>")
_ENDS = {"return": "return", "raise": "exception"}


def agree(run: Run, execution: Execution) -> str:
    """What the record and the plain run differ in, "" where they agree."""
    if (run.output, run.exception, run.stdout) != (execution.output, execution.exception, execution.stdout):
        return "differs when recorded"
    if execution.trace is None or execution.trace.truncated or run.cut:
        return "over budget: events"
    frames = _frames_of(execution.trace)
    if len(frames) != len(run.frames):
        return "differs from the line trace: calls"
    for frame, events in zip(run.frames, frames, strict=True):
        difference = _frame_difference(run, frame, events)
        if difference:
            return f"differs from the line trace: {difference}"
    return ""


def _frames_of(trace: Trace) -> list[list[Event]]:
    """The events of each frame, in the order of the calls; comprehensions are no frames in a record."""
    found: dict[int, list[Event]] = {}
    for event in trace.events:
        found.setdefault(event.frame, []).append(event)
    first = trace.events[0].frame if trace.events else None
    return [
        events
        for serial, events in found.items()
        if serial == first or not events[0].function.endswith(_COMPREHENSIONS)
    ]


def _frame_difference(run: Run, frame: Frame, events: list[Event]) -> str:
    if events[0].function != frame.function:
        return "calls"
    given = {change.name: change.value for change in events[0].changes}
    if any(given.get(name) != text for name, text in frame.arguments.items()):
        return "arguments"
    end = "" if frame.end == "suspended" else _ENDS[frame.end]
    if end and (events[-1].kind, _end_value(events)) != (end, frame.value):
        return "results"
    handed_out = [event.value for event in events if event.kind == "yield"]
    if frame.yields and not _alike(frame.yields, handed_out):
        return "yields"
    if not _raised_alike(run, frame, events):
        return "exceptions"
    return "states" if any(_states_differ(run, frame, events)) else ""


def _end_value(events: list[Event]) -> str | None:
    """What a frame ended with. From Python 3.12 on an exception that leaves a comprehension passes its clean-up, which
    is part of the frame: a line of its own, behind which the trace cannot say again what it was."""
    if events[-1].kind == "exception" and events[-1].value == "":
        return next((event.value for event in reversed(events) if event.kind == "exception" and event.value), "")
    return events[-1].value


def _alike(recorded: Sequence[str], traced: Sequence[str | None]) -> bool:
    """Whether two lists of yielded values agree; what an async generator yields the trace sees wrapped up."""
    return len(recorded) == len(traced) and all(
        text in (own, WRAPPED) for own, text in zip(recorded, traced, strict=True)
    )


def _raised_alike(run: Run, frame: Frame, events: list[Event]) -> bool:
    """Whether every exception that a step is said to raise was seen in the frame by the trace."""
    seen = {event.value for event in events if event.kind == "exception"}
    return all(run.steps[index].raised in seen for index in frame.steps if run.steps[index].raised)


def _states_differ(run: Run, frame: Frame, events: list[Event]) -> Iterator[bool]:
    """For every line with a simple statement of its own, whether its n-th beginning finds other variables."""
    alone = _lines_alone(run.source)
    states: dict[int, list[dict[str, str]]] = {}
    variables: dict[str, str] = {}
    for event in events:
        for change in event.changes:
            if change.value is None:
                variables.pop(change.name, None)
            else:
                variables[change.name] = change.value
        if event.kind == "line" and event.line in alone:
            states.setdefault(event.line, []).append(dict(variables))
    watched = _watched(run.source)
    for index in frame.steps:
        step = run.steps[index]
        if step.kind != "statement" or step.line not in alone:
            continue
        seen = states.get(step.line, [])
        if step.visit > len(seen):
            yield True
            return
        state = seen[step.visit - 1]
        yield any(text != step.before.get(name) for name, text in state.items() if name not in _hidden(run.source))
        yield any(name not in state and name not in watched for name in step.before)


@functools.lru_cache(maxsize=256)
def _watched(source: Source) -> frozenset[str]:
    return frozenset(watched_names(source.tree))


@functools.lru_cache(maxsize=256)
def _hidden(source: Source) -> frozenset[str]:
    """Names that only comprehensions bind: newer versions of Python show them in the frame around."""
    clauses = [node.target for node in source.nodes if isinstance(node, ast.comprehension)]
    inside = {id(name) for target in clauses for name in ast.walk(target)}
    names = [node for node in source.nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)]
    bound_elsewhere = {node.id for node in names if id(node) not in inside}
    bound_elsewhere |= {node.arg for node in source.nodes if isinstance(node, ast.arg)}
    return frozenset({node.id for node in names if id(node) in inside} - bound_elsewhere)


@functools.lru_cache(maxsize=256)
def _lines_alone(source: Source) -> frozenset[int]:
    """Lines with one simple statement and nothing else, so that each line event there is the statement's beginning.

    Left out are statements that the compiler moves or drops: `pass`, `continue`, `break`, bare constants.
    """
    taken: Counter[int] = Counter()
    for node in source.nodes:
        if isinstance(node, (ast.stmt, ast.excepthandler)):
            taken[node.lineno] += 1
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            taken.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    simple = (ast.Assign, ast.AugAssign, ast.Return, ast.Delete, ast.Raise)
    return frozenset(
        node.lineno
        for node in source.nodes
        if isinstance(node, simple) and node.lineno == node.end_lineno and taken[node.lineno] == 1
    )
