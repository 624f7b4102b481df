"""A trace arranged for telling and for checking: statements, iterations, branch outcomes, frames, spans of values.

Positions in time are indices into `Trace.events`. A *moment* is one executed statement of a frame (the line events of a
statement that spans lines are one moment); `start` is its first line event, `end` the event that closed it.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ray_app.monologue.evaluate import Unknown, evaluate, names_in, parse_expression
from ray_app.monologue.source import Loop, Source, is_inner
from ray_app.tracing.model import Change, Event, Step, Trace, steps


@dataclass(slots=True)
class Moment:
    """One executed statement. `line` is the statement's first line, `visit` counts its executions in the frame.

    `iterations` gives, for each loop around it (outermost first), the loop's line and the iteration (1-based) of the
    current run of that loop; a loop's header belongs to the iteration it begins, and to none where it ends the loop.
    `outcome` is the truth of an `if`/`while` test or whether a `for` goes on, None where it cannot be told.
    """

    index: int
    line: int
    visit: int
    frame: int
    depth: int
    function: str
    before: dict[str, str]
    changes: tuple[Change, ...]
    start: int
    end: int
    iterations: tuple[tuple[int, int], ...] = ()
    outcome: bool | None = None
    following: "Moment | None" = None
    _after: dict[str, str] | None = field(default=None, init=False, repr=False)

    def after(self) -> dict[str, str]:
        """The frame's variables when the statement was done; not to be changed."""
        if self._after is None:
            self._after = self._changed() if self.changes else self.before
        return self._after

    def _changed(self) -> dict[str, str]:
        state = dict(self.before)
        for change in self.changes:
            if change.value is None:
                state.pop(change.name, None)
            else:
                state[change.name] = change.value
        return state


@dataclass(slots=True)
class Frame:
    """One call of a program function; `returned` is None unless it returned, `raised` the exception that left it."""

    number: int
    function: str
    depth: int
    line: int
    arguments: dict[str, str]
    call: int
    end: int
    returned: str | None = None
    raised: str | None = None
    parent: "Moment | None" = None
    moments: list[Moment] = field(default_factory=list[Moment])

    def between(self, start: int, end: int) -> list[Moment]:
        """The statements that begin between two events."""
        return [moment for moment in self.moments if start <= moment.start < end]


@dataclass(frozen=True, slots=True)
class Entry:
    """`caller` makes `frame` run from event `start` to event `end`: a call or, `again`, a generator that goes on."""

    frame: Frame
    caller: Moment
    start: int
    end: int
    again: bool


@dataclass(slots=True)
class LoopRun:
    """One run of a loop, from its first header visit to its end; `spans` are the event ranges of its iterations."""

    line: int
    frame: int
    start: int
    end: int
    spans: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Span:
    """A variable of a frame held `value` from event `start` to event `end`; `moment` made it so (None: a parameter)."""

    name: str
    value: str
    frame: int
    start: int
    end: int
    moment: Moment | None


@dataclass(slots=True, eq=False)
class Timeline:
    """Everything a claim is checked against; equal only to itself, so that what is derived from it can be kept."""

    source: Source
    trace: Trace
    moments: list[Moment]
    frames: dict[int, Frame]
    runs: list[LoopRun]
    spans: dict[str, list[Span]]
    entries: list[Entry]
    told: dict[tuple[ast.expr, int], tuple[dict[str, str], str | None]] = field(default_factory=dict, repr=False)

    def closing(self, moment: Moment) -> Event | None:
        """The event of its own frame that closed a statement; None where the recording stopped in it."""
        event = self.trace.events[moment.end] if moment.end < len(self.trace.events) else None
        return event if event is not None and event.frame == moment.frame else None

    def is_turned(self, name: str) -> bool:
        """Whether only the headers of loops ever give a variable its values."""
        loops = self.source.loops
        made = [span.moment.line for span in self.spans.get(name, ()) if span.moment is not None]
        return len(made) == len(self.spans.get(name, ())) and all(
            line in loops and name in loops[line].targets for line in made
        )

    def state(self, event: int, frame: int) -> dict[str, str]:
        """The variables of a frame at an event (after that event's changes)."""
        found: dict[str, str] = {}
        for spans in self.spans.values():
            for span in spans:
                if (
                    span.frame == frame
                    and span.start <= event
                    and (event < span.end or span.end == self.frames[frame].end)
                ):
                    found[span.name] = span.value
        return found

    def turns(self, name: str, moments: Iterable[Moment]) -> list[tuple[Moment, str]]:
        """What a loop's own variable takes in turn, once per iteration, be it the same value again."""
        loops = self.source.loops
        return [
            (moment, moment.after().get(name, ""))
            for moment in moments
            if moment.outcome and moment.line in loops and name in loops[moment.line].targets
        ]

    def value(self, expression: str | ast.expr, state: dict[str, str]) -> object:
        """The value of an expression in a state; names of the program's own functions are unknown. Raises Unknown."""
        node = parse_expression(expression) if isinstance(expression, str) else expression
        outer = self.source.outer
        if any(name in outer and name not in state for name in names_in(node)):
            state = {**outer, **state}
        return evaluate(node, state)


def arrange(source: Source, trace: Trace) -> Timeline:
    """The timeline of a trace of the program `source`; the last one is kept, for what is told is checked next."""
    global _last
    timeline = _last
    if timeline is None or timeline.trace is not trace or timeline.source is not source:
        timeline = _last = _arrange(source, trace)
    return timeline


_last: Timeline | None = None


def _arrange(source: Source, trace: Trace) -> Timeline:
    moments = _merge(source, trace)
    frames = _frames(trace)
    for moment in moments:
        frames[moment.frame].moments.append(moment)
    entries = _entries(trace, frames, moments)
    runs: list[LoopRun] = []
    for frame in frames.values():
        for moment, following in zip(frame.moments, [*frame.moments[1:], None], strict=False):
            moment.following = following
        _iterate(source, frame, runs)
        for moment in frame.moments:
            moment.outcome = _outcome(source, moment, trace)
    runs.sort(key=lambda run: run.start)
    return Timeline(source, trace, moments, frames, runs, _spans(trace, frames, moments), entries)


def _merge(source: Source, trace: Trace) -> list[Moment]:
    merged: list[Moment] = []
    last: dict[int, Moment] = {}
    visits: dict[tuple[int, int], int] = {}
    for step in steps(trace):
        statement = source.statements.get(step.line)
        line = statement.lineno if statement is not None else step.line
        previous = last.get(step.frame)
        several = statement is not None and (line != step.line or (previous is not None and previous.line == line))
        if several and previous is not None and previous.line == line and _continues(source, previous, step):
            previous.changes = _joined(previous.changes, step.changes)
            previous.end = step.end
            continue
        key = (step.frame, line)
        visits[key] = visits.get(key, 0) + 1
        moment = Moment(
            len(merged),
            line,
            visits[key],
            step.frame,
            step.depth,
            step.function,
            step.before,
            step.changes,
            step.start,
            step.end,
        )
        merged.append(moment)
        last[step.frame] = moment
    return merged


def _continues(source: Source, previous: Moment, step: Step) -> bool:
    """Whether a further line event of the same statement belongs to the same execution of it."""
    statement = source.statements[step.line]
    loop = source.loops.get(statement.lineno)
    if loop is not None:
        return loop.header_end > loop.line
    end = getattr(statement, "end_lineno", step.line)
    return end > statement.lineno and source.branches.get(statement.lineno) is None


def _joined(first: tuple[Change, ...], second: tuple[Change, ...]) -> tuple[Change, ...]:
    names = {change.name: change for change in (*first, *second)}
    return tuple(names.values())


def _frames(trace: Trace) -> dict[int, Frame]:
    frames: dict[int, Frame] = {}
    for index, event in enumerate(trace.events):
        frame = frames.get(event.frame)
        if frame is None:
            arguments = {change.name: change.value for change in event.changes if change.value is not None}
            frame = frames[event.frame] = Frame(
                event.frame, event.function, event.depth, event.line, arguments, index, len(trace.events) - 1
            )
        if event.kind == "return":
            frame.end = index
            frame.returned, frame.raised = event.value, None
            previous = trace.events[index - 1] if index else None
            if previous and previous.kind == "exception" and previous.frame == event.frame and event.value == "None":
                frame.returned, frame.raised = None, previous.value
        elif event.kind == "exception":
            frame.raised, frame.end = event.value, index
        elif event.kind == "line":
            frame.raised = None
    return frames


def _entries(trace: Trace, frames: dict[int, Frame], moments: list[Moment]) -> list[Entry]:
    """Which statement makes which frame run, in order; fills in the frames' `parent`."""
    entries: list[Entry] = []
    stack: list[Moment] = []
    position = 0
    entering = [(index, event.frame) for index, event in enumerate(trace.events) if event.kind in ("call", "resume")]
    for start, number in entering:
        while position < len(moments) and moments[position].start < start:
            stack.append(moments[position])
            position += 1
        stack = [moment for moment in stack if moment.end > start]
        caller = next((moment for moment in reversed(stack) if not is_inner(moment.function)), None)
        if caller is None:
            continue
        frame = frames[number]
        if start == frame.call:
            frame.parent = caller
        entries.append(Entry(frame, caller, start, frame.end + 1, again=start != frame.call))
    return _cut(entries)


def _cut(entries: list[Entry]) -> list[Entry]:
    """The entries, each of which ends where the next of the same frame begins."""
    following: dict[int, int] = {}
    cut: list[Entry] = []
    for entry in reversed(entries):
        end = following.get(entry.frame.number, entry.end)
        following[entry.frame.number] = entry.start
        cut.append(replace(entry, end=end))
    return cut[::-1]


def _iterate(source: Source, frame: Frame, runs: list[LoopRun]) -> None:
    """Fill in `iterations` of the frame's moments and append its loop runs."""
    active: list[tuple[Loop, LoopRun]] = []
    previous: Moment | None = None
    for moment in frame.moments:
        around = [source.loops[line] for line in source.enclosing.get(moment.line, ())]
        around = [loop for loop in around if not loop.inline]
        while active and active[-1][0] not in around:
            _finish(active.pop()[1], moment.start)
        for loop in around:
            run = next((run for known, run in active if known is loop), None)
            if run is None:
                run = LoopRun(loop.line, frame.number, moment.start, frame.end, [])
                active.append((loop, run))
                runs.append(run)
                _begin(loop, run, moment)
            elif _is_boundary(source, loop, moment, previous):
                _finish(run, moment.start)
                while active[-1][1] is not run:
                    _finish(active.pop()[1], moment.start)
                _begin(loop, run, moment)
        moment.iterations = tuple((loop.line, len(run.spans)) for loop, run in active if _is_open(run))
        previous = moment
    while active:
        _finish(active.pop()[1], frame.end)


def _is_boundary(source: Source, loop: Loop, moment: Moment, previous: Moment | None) -> bool:
    """Whether the moment starts another iteration of a loop that is already running."""
    if moment.line == loop.line or not loop.endless:
        return moment.line == loop.line
    if moment.line not in loop.beginnings or previous is None:
        return False
    if previous.line == loop.line or previous.line in loop.beginnings[: loop.beginnings.index(moment.line)]:
        return False
    inner = source.loops.get(moment.line)
    goes_on = inner is not None and inner.line <= previous.line <= inner.body_end
    return not goes_on or isinstance(source.statements.get(previous.line), ast.Break)


def _begin(loop: Loop, run: LoopRun, moment: Moment) -> None:
    """Open an iteration, unless the moment is a header visit that ends the loop."""
    following = moment.following
    if moment.line == loop.line and (following is None or not loop.header_end < following.line <= loop.body_end):
        return
    run.spans.append((moment.start, -1))


def _finish(run: LoopRun, event: int) -> None:
    run.end = event
    if run.spans and run.spans[-1][1] < 0:
        run.spans[-1] = (run.spans[-1][0], event)


def _is_open(run: LoopRun) -> bool:
    return bool(run.spans) and run.spans[-1][1] < 0


def _outcome(source: Source, moment: Moment, trace: Trace) -> bool | None:
    following = moment.following
    loop, branch = source.loops.get(moment.line), source.branches.get(moment.line)
    closing = trace.events[moment.end].kind if moment.end < len(trace.events) else ""
    if loop is not None and not loop.inline:
        if following is None or closing == "exception":
            return False if closing == "return" else None
        return loop.header_end < following.line <= loop.body_end
    if branch is not None:
        if not branch.inline and following is not None:
            return branch.body[0] <= following.line <= branch.body[1]
        try:
            return bool(evaluate(branch.test, moment.before))
        except Unknown:
            return None
    return None


def _spans(trace: Trace, frames: dict[int, Frame], moments: list[Moment]) -> dict[str, list[Span]]:
    closers = {(moment.frame, moment.end): moment for moment in moments}
    open_spans: dict[tuple[int, str], tuple[str, int]] = {}
    spans: dict[str, list[Span]] = {}

    def close(frame: int, name: str, end: int) -> None:
        value, start = open_spans.pop((frame, name))
        spans.setdefault(name, []).append(Span(name, value, frame, start, end, closers.get((frame, start))))

    for index, event in enumerate(trace.events):
        for change in event.changes:
            if (event.frame, change.name) in open_spans:
                close(event.frame, change.name, index)
            if change.value is not None:
                open_spans[event.frame, change.name] = (change.value, index)
    for frame, name in list(open_spans):
        close(frame, name, frames[frame].end)
    for found in spans.values():
        found.sort(key=lambda span: span.start)
    return spans
