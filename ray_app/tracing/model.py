"""The trace: one structured record of an execution, from which every text (monologue, scratchpad, ...) is rendered.

Only frames whose code belongs to the program are recorded; the call expression itself and library code are not.
Values are canonical, see `ray_app.tracing.canonical`: no addresses, sets in sorted order, capped with a trailing "...".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

EventKind = Literal["call", "line", "return", "exception", "yield", "resume"]


@dataclass(frozen=True, slots=True)
class Change:
    """A local (or captured) variable of a frame that differs from the frame's previous event.

    `value` is the canonical value, or None when the name became unbound (`del x`, the end of `except ... as e`).
    A mutation counts as a change: `xs.append(1)` changes `xs`, also when a callee did it.
    """

    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """One event, in execution order.

    kind       call       a frame starts; `changes` are its parameters, `line` the line of its `def`
               line       `line` is about to run; `changes` are what happened since this frame's previous event,
                          that is, the effect of the line that ran before it *in the same frame*
               return     the frame returns `value`; `changes` are the effect of its last line
               exception  `value` ("ValueError: message") was raised in, or passes through, this frame at `line`
               yield      a generator hands out `value` and pauses;  resume  it goes on
    line       1-based line in the program's code
    depth      0 for the frame of the entry call, +1 per nested program frame
    frame      serial number of the frame, 0 for the entry call: tells recursive and generator frames apart
    function   qualified name of the frame's code: "f", "Stack.push", "f.<locals>.<listcomp>"
    """

    kind: EventKind
    line: int
    depth: int
    frame: int
    function: str
    changes: tuple[Change, ...] = ()
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """The events of one call. `truncated`: a cap was reached and later events are missing."""

    events: tuple[Event, ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One executed line: the `visit`-th time (1-based) that `frame` executed `line`, and what it changed.

    `end` is the index in `Trace.events` of the event that closed the step (the frame's next event), `start` the index
    of its line event. `before` holds the frame's variables when the line began, `changes` what the line did to them.
    """

    line: int
    visit: int
    frame: int
    depth: int
    function: str
    before: dict[str, str]
    changes: tuple[Change, ...]
    start: int
    end: int


def steps(trace: Trace) -> Iterator[Step]:
    """The executed lines of a trace, in the order in which they *began*.

    A step is closed by the next `line`, `return`, `yield` or `exception` event of its frame (nested frames lie between
    `start` and `end`). The last step of a truncated trace is closed by the end of the trace, with no changes.
    """
    open_steps: dict[int, tuple[int, int, dict[str, str]]] = {}
    variables: dict[int, dict[str, str]] = {}
    visits: dict[tuple[int, int], int] = {}
    done: list[Step] = []

    def close(frame: int, end: int, changes: tuple[Change, ...]) -> None:
        opened = open_steps.pop(frame, None)
        if opened is None:
            return
        start, visit, before = opened
        event = trace.events[start]
        done.append(Step(event.line, visit, frame, event.depth, event.function, before, changes, start, end))

    for index, event in enumerate(trace.events):
        state = variables.setdefault(event.frame, {})
        if event.kind not in ("call", "resume"):
            close(event.frame, index, event.changes)
        for change in event.changes:
            if change.value is None:
                state.pop(change.name, None)
            else:
                state[change.name] = change.value
        if event.kind == "line":
            key = (event.frame, event.line)
            visits[key] = visits.get(key, 0) + 1
            open_steps[event.frame] = (index, visits[key], dict(state))
    for frame in list(open_steps):
        close(frame, len(trace.events), ())
    done.sort(key=lambda step: step.start)
    yield from done
