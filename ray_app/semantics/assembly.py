"""From the entries of a recorder to the record: who owns a note, what each step changed, what followed from what."""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ray_app.semantics import places
from ray_app.semantics.conditions import completes
from ray_app.semantics.reader import Changed, Event, Note, Notes, Watched
from ray_app.semantics.record import (
    Change,
    Crossing,
    CrossingKind,
    Evaluation,
    Frame,
    FrameEnd,
    Run,
    Scope,
    Step,
    StepKind,
)
from ray_app.semantics.source import Source

_STEP_KINDS: dict[str, StepKind] = {
    "S": "statement",
    "L": "statement",
    "I": "iteration",
    "W": "test",
    "M": "case",
    "H": "handler",
    "F": "finally",
    "K": "comprehension",
}
WRAPPED = "<async_generator_wrapped_value>"
"""What leaves the frame of an async generator, as text: no program can make one."""
_BINDING = frozenset("IMH")
"""Kinds of notes that are made when the names that they stand for are bound already."""
_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>")
_INLINE_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp)


@dataclass(slots=True)
class _Step:
    """A step under way."""

    index: int
    kind: StepKind
    node: int
    frame: int
    visit: int
    run_visit: int
    loops: tuple[tuple[int, int], ...]
    before: dict[str, str]
    changes: dict[str, Change] = field(default_factory=dict)
    bound: tuple[tuple[str, str], ...] = ()
    evaluations: list[int] = field(default_factory=list)
    raised: str | None = None

    def add(self, change: Change) -> None:
        """One more change: what a variable was before counts once, what it is afterwards last."""
        earlier = self.changes.pop(change.name, None)
        before = change.before if earlier is None else earlier.before
        if before != change.after:
            self.changes[change.name] = Change(change.name, change.scope, before, change.after, change.aliases)


@dataclass(slots=True)
class _Evaluation:
    step: int
    node: int
    value: str
    frames: tuple[int, ...]
    truth: bool | None
    begun: int


@dataclass(slots=True)
class _Frame:
    """A frame under way. `clauses` are the iterations of comprehensions that are open in the current step."""

    index: int
    function: str
    node: int
    caller: int | None
    captured: frozenset[str]
    names: frozenset[str]
    given: dict[str, str] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)
    steps: list[int] = field(default_factory=list)
    end: FrameEnd = "suspended"
    value: str | None = None
    yields: list[str] = field(default_factory=list)
    current: _Step | None = None
    clauses: list[_Step] = field(default_factory=list)
    iterations: dict[int, int] = field(default_factory=dict)
    visits: dict[tuple[int, StepKind], int] = field(default_factory=dict)
    latest: dict[int, _Step] = field(default_factory=dict)
    entered: list[int] = field(default_factory=list)
    evaluated: dict[int, int] = field(default_factory=dict)

    @property
    def is_module(self) -> bool:
        """Whether it is the frame of a whole program's module, whose variables are the globals."""
        return self.function == "<module>"

    def scope_of(self, name: str) -> Scope:
        if self.is_module and "." in name:  # an attribute of a class
            return "global"
        return "captured" if name in self.captured else "local"

    def open_steps(self) -> list[_Step]:
        """The steps that are under way, innermost first."""
        return [*reversed(self.clauses), *([self.current] if self.current else [])]


def assemble(source: Source, notes: Notes, call: str, output: str | None, exception: str | None, stdout: str) -> Run:
    """The record of a call. Raises ValueError where the notes are none that a run of this program leaves."""
    assembly = _Assembly(source)
    try:
        for entry in notes.entries:
            assembly.take(entry)
        if notes.truncated:
            assembly.cut()
    except (IndexError, KeyError, AttributeError) as error:
        raise ValueError(f"the notes contradict the program: {error!r}") from error
    frames, steps, evaluations = assembly.frames_made(), assembly.steps_made(), assembly.evaluations_made()
    crossings = tuple(assembly.crossings)
    return Run(source, call, frames, steps, evaluations, output, exception, stdout, crossings, notes.truncated)


class _Assembly:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.frames: list[_Frame] = []
        self.steps: list[_Step] = []
        self.evaluations: list[_Evaluation] = []
        self.by_serial: dict[int, _Frame] = {}
        self.stack: list[tuple[int, _Frame]] = []
        self.watched: dict[str, str] = {}
        self.held: list[Changed] = []
        """What has changed in the module's frame, which runs, until it is known whether something binds it."""
        self.run_visits: dict[tuple[int, StepKind], int] = {}
        self.crossings: list[Crossing] = []

    def take(self, entry: Event | Note | Watched) -> None:
        if isinstance(entry, Event):
            self._let_go()
        if isinstance(entry, Note):
            self._note(entry)
        elif isinstance(entry, Event):
            self._event(entry)
        else:
            self._watched_changes(entry.changes)

    def cut(self) -> None:
        """The frames that run now have no end."""
        for _, frame in self.stack:
            frame.end = "cut"

    # Frames

    def _event(self, event: Event) -> None:
        if event.kind == "call":
            return self._enter(event)
        frame = self.by_serial[event.frame]
        is_comprehension = self._is_comprehension(event)
        if event.kind == "resume":
            self.stack.append((event.frame, frame))
            if not is_comprehension:
                self._update(frame, event.changes)
                self._cross("resume", frame)
            return None
        if not is_comprehension:
            self._own_effect(frame, event.changes)
        if event.kind == "exception":
            return self._raise(frame, event.value or "")
        self._pop(event.frame)
        if not is_comprehension:
            self._leave(frame, event)
        return None

    def _cross(self, kind: CrossingKind, frame: _Frame, value: str | None = None, node: int = -1) -> None:
        self.crossings.append(Crossing(kind, frame.index, len(self.steps), len(self.evaluations), value, node))

    def _is_comprehension(self, event: Event) -> bool:
        """Whether the frame is one that newer versions of Python do not make. At the outermost, it is a frame."""
        return (
            event.code.function.endswith(_COMPREHENSIONS)
            and self.by_serial[event.frame].function != event.code.function
        )

    def _enter(self, event: Event) -> None:
        below = self.stack[-1][1] if self.stack else None
        if below is not None and event.code.function.endswith(_COMPREHENSIONS):
            frame = below
        else:
            frame = self._new_frame(event, below)
        self.by_serial[event.frame] = frame
        self.stack.append((event.frame, frame))

    def _new_frame(self, event: Event, below: _Frame | None) -> _Frame:
        names, free = event.code.names, event.code.free
        captured = frozenset(names[len(names) - free :])
        node = places.scope_at(self.source, event.code.function, event.code.line)
        frame = _Frame(len(self.frames), event.code.function, node, self._caller(), captured, frozenset(names))
        self._update(frame, event.changes)
        frame.given = dict(frame.state)
        self.frames.append(frame)
        self._cross("call", frame)
        if below is not None:
            below.entered.append(frame.index)
        return frame

    def _caller(self) -> int | None:
        for _, frame in reversed(self.stack):
            for step in frame.open_steps():
                return step.index
        return None

    def _pop(self, serial: int) -> None:
        while self.stack:
            if self.stack.pop()[0] == serial:
                return
        raise ValueError(f"frame {serial} ends and was not running")

    def _leave(self, frame: _Frame, event: Event) -> None:
        if event.kind == "yield":
            value = self._handed_out(frame, event.value or "")
            frame.yields.append(value)
            return self._cross("yield", frame, value)
        end: Literal["return", "raise"] = "return" if event.kind == "return" else "raise"
        frame.value, frame.end = event.value, end
        self._mark_bare_raise(frame, event.value if event.kind == "left" else None)
        self._close(frame)
        return self._cross(end, frame, event.value)

    def _handed_out(self, frame: _Frame, value: str) -> str:
        """What a `yield` gives; an async generator wraps that up, but what it yields was evaluated before."""
        node = places.yielded(self.source, frame.current.node) if value == WRAPPED and frame.current else -1
        if node < 0:
            return value
        found = self.source.nodes[node]
        if isinstance(found, ast.Constant):
            return repr(found.value)
        return self.evaluations[frame.evaluated[node]].value if node in frame.evaluated else value

    def _raise(self, frame: _Frame, error: str) -> None:
        if error.partition(":")[0] == "StopAsyncIteration":  # the end of an `async for`
            return
        for step in frame.open_steps():
            step.raised = step.raised or error
        current = frame.current
        around = places.with_around(self.source, current.node) if current else -1
        if around in frame.latest:  # its exit runs now
            self._close(frame)
            frame.current = frame.latest[around]
            self._cross("exit", frame, node=around)

    # Variables

    def _update(self, frame: _Frame, changes: Iterable[Changed]) -> None:
        """Changes that are nobody's effect in this frame."""
        for change in changes:
            _set(frame.state, change.name, change.text)

    def _own_effect(self, frame: _Frame, changes: Iterable[Changed]) -> None:
        """Changes that the frame's current step made."""
        step = frame.current
        for changed in changes:
            before = frame.state.get(changed.name)
            _set(frame.state, changed.name, changed.text)
            if step is not None and not self._ends_handler(step, changed):
                change = Change(changed.name, frame.scope_of(changed.name), before, changed.text, changed.aliases)
                step.add(change)

    def _ends_handler(self, step: _Step, changed: Changed) -> bool:
        """Whether the name of a handler is unbound because the handler is over: no effect of its last statement."""
        if changed.text is not None or isinstance(self.source.nodes[step.node], ast.Delete):
            return False
        return changed.name in places.handler_names(self.source, step.node)

    def _watched_changes(self, changes: Iterable[Changed]) -> None:
        for changed in changes:
            before = self.watched.get(changed.name)
            _set(self.watched, changed.name, changed.text)
            for frame in {frame.index: frame for _, frame in self.stack}.values():
                if frame.is_module:
                    self._change_module(frame, changed)
                elif frame.current is not None and changed.name not in frame.names:
                    frame.current.add(Change(changed.name, "global", before, changed.text))

    def _change_module(self, frame: _Frame, changed: Changed) -> None:
        if frame is self.stack[-1][1]:
            self.held.append(changed)
        else:
            self._own_effect(frame, [changed])

    def _let_go(self) -> None:
        """What has changed in the module is its current step's doing."""
        if self.held:
            held, self.held = self.held, []
            self._own_effect(self.stack[-1][1], held)

    # Steps

    def _note(self, note: Note) -> None:
        frame = self.by_serial[note.frame]
        if frame.node < 0:
            frame.node = note.node if note.kind == "L" else self.source.function_of(note.node)
        if note.kind == "V":
            self._evaluate(frame, note.node, note.text)
        elif note.kind == "B":
            self._decide(frame, note.node, note.truth)
        elif note.kind == "K":
            self._clause(frame, note)
        elif note.kind == "E":
            self._let_go()
            self._own_effect(frame, note.changes or ())
            self._close(frame)
            frame.current = frame.latest[note.node]
            self._cross("exit", frame, node=note.node)
        else:
            self._begin(frame, note)

    def _begin(self, frame: _Frame, note: Note) -> None:
        """A statement-like step begins; what changed until now was its predecessor's doing, but for what it binds."""
        earlier, bound = (*self.held, *(note.changes or ())), ()
        self.held = []
        if note.kind in _BINDING:
            earlier, bound = self._split_by_binding(note, earlier)
        self._own_effect(frame, earlier)
        self._mark_bare_raise(frame, note.text)
        self._close(frame)
        self._count(frame, note)
        step = self._new_step(frame, _STEP_KINDS[note.kind], note.node)
        frame.current = frame.latest[note.node] = step
        if note.kind in _BINDING:
            self._own_effect(frame, bound)
            names = places.bound_by(self.source, note.node)
            step.bound = tuple((name, frame.state[name]) for name in names if name in frame.state)
        if type(self.source.nodes[note.node]) is ast.AugAssign:
            self._note_old_value(frame, step)

    def _split_by_binding(self, note: Note, changes: Sequence[Changed]) -> tuple[Sequence[Changed], Sequence[Changed]]:
        """What has changed before that which begins now, and what that binds."""
        if places.assigns_parts(self.source, note.node):  # `for d[k] in xs` changes whatever holds the object
            return (), changes
        names = places.bound_by(self.source, note.node)
        return [one for one in changes if one.name not in names], [one for one in changes if one.name in names]

    def _count(self, frame: _Frame, note: Note) -> None:
        if note.kind == "S":
            frame.iterations[note.node] = 0
        elif note.kind in ("I", "W", "K"):
            frame.iterations[note.node] = frame.iterations.get(note.node, 0) + 1

    def _new_step(self, frame: _Frame, kind: StepKind, node: int) -> _Step:
        key = (node, kind)
        frame.visits[key] = frame.visits.get(key, 0) + 1
        self.run_visits[key] = self.run_visits.get(key, 0) + 1
        is_own_frame = node == frame.node  # a lambda's: the loops around its text are another frame's
        around = () if is_own_frame else self.source.loops_of(node)
        if kind in ("iteration", "test", "comprehension"):
            around = (*around, node)
        loops = tuple([(loop, frame.iterations.get(loop, 0)) for loop in around])
        before = frame.state.copy()
        if self.watched:
            before.update((name, text) for name, text in self.watched.items() if name not in frame.names)
        step = _Step(len(self.steps), kind, node, frame.index, frame.visits[key], self.run_visits[key], loops, before)
        self.steps.append(step)
        frame.steps.append(step.index)
        return step

    def _clause(self, frame: _Frame, note: Note) -> None:
        clauses = places.clauses_with(self.source, note.node)
        later = clauses[clauses.index(note.node) :]
        frame.clauses = [step for step in frame.clauses if step.node not in later]
        frame.entered.clear()  # what was entered to get the item
        for clause in later[1:]:
            frame.iterations[clause] = 0
        self._count(frame, note)
        step = self._new_step(frame, "comprehension", note.node)
        for outer in frame.clauses:
            step.before.update(outer.bound)
        step.bound = tuple(zip(places.bound_by(self.source, note.node), note.texts, strict=True))
        frame.clauses.append(step)

    def _close(self, frame: _Frame) -> None:
        """The current step is over, and with it the comprehensions in it."""
        step = frame.current
        if step is not None and type(self.source.nodes[step.node]) is ast.AugAssign:
            self._note_new_value(frame, step)
        if frame.clauses:
            for clause in frame.clauses:
                frame.iterations.pop(clause.node, None)
            frame.clauses.clear()
        frame.evaluated.clear()
        frame.entered.clear()
        frame.current = None

    def _mark_bare_raise(self, frame: _Frame, error: str | None) -> None:
        """A `raise` without an exception is not said to raise; what is handled next, or leaves the frame, is."""
        step = frame.current
        if step is not None and error:
            node = self.source.nodes[step.node]
            if isinstance(node, ast.Raise) and node.exc is None:
                step.raised = step.raised or error

    # Evaluations

    def _evaluate(self, frame: _Frame, node: int, value: str, truth: bool | None = None) -> None:
        found = self.source.nodes[node]
        if isinstance(found, _INLINE_COMPREHENSIONS):
            self._end_clauses(frame, found)
        innermost = frame.clauses[-1] if frame.clauses else frame.current
        if innermost is None:
            raise ValueError(f"node {node} is evaluated outside of every step")
        index = len(self.evaluations)
        frames = tuple(frame.entered)
        self.evaluations.append(_Evaluation(innermost.index, node, value, frames, truth, len(self.steps)))
        frame.entered.clear()
        for step in frame.clauses:
            step.evaluations.append(index)
        if frame.current is not None:
            frame.current.evaluations.append(index)
        if isinstance(found, ast.BoolOp) and truth is None:
            self._decide_operands(frame, found)
        frame.evaluated[node] = index

    def _decide(self, frame: _Frame, node: int, truth: bool) -> None:
        """The value just evaluated was taken for true or false; conditions around it may be complete by that."""
        evaluation = self.evaluations[frame.evaluated[node]]
        evaluation.truth = truth
        evaluation.frames += tuple(frame.entered)
        frame.entered.clear()
        value, completion = evaluation.value, completes(self.source, node, truth)
        while completion is not None:
            truth = truth != completion.negated
            value = str(truth) if completion.negated else value
            self._evaluate(frame, completion.node, value, truth)
            completion = completes(self.source, completion.node, truth)

    def _decide_operands(self, frame: _Frame, operation: ast.BoolOp) -> None:
        """What the operands of `a and b`, whose value is used, were taken for: only the last is not asked."""
        goes_on = isinstance(operation.op, ast.And)
        indices = [frame.evaluated.pop(self.source.id_of(operand), None) for operand in operation.values]
        known = [index for index in indices if index is not None]
        for index in known[:-1]:
            self.evaluations[index].truth = goes_on
        if known and indices[-1] is None:
            self.evaluations[known[-1]].truth = not goes_on

    def _end_clauses(self, frame: _Frame, comprehension: ast.ListComp | ast.SetComp | ast.DictComp) -> None:
        ended = [self.source.id_of(clause) for clause in comprehension.generators]
        frame.clauses = [step for step in frame.clauses if step.node not in ended]
        for clause in ended:
            frame.iterations.pop(clause, None)

    def _note_old_value(self, frame: _Frame, step: _Step) -> None:
        """`x += 1` reads `x` first; a note there would read it twice."""
        node = self.source.nodes[step.node]
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id in step.before:
            self._evaluate(frame, self.source.id_of(node.target), step.before[node.target.id])

    def _note_new_value(self, frame: _Frame, step: _Step) -> None:
        node = self.source.nodes[step.node]
        if not isinstance(node, ast.AugAssign) or not isinstance(node.target, ast.Name) or step.raised:
            return
        name = node.target.id
        value = frame.state.get(name) if name in frame.names else self.watched.get(name)
        if value is not None and name in step.before:
            self._evaluate(frame, step.node, value)

    # Results

    def frames_made(self) -> tuple[Frame, ...]:
        return tuple(
            Frame(
                frame.index,
                frame.function,
                frame.node,
                frame.caller,
                self._arguments(frame),
                tuple(frame.steps),
                frame.end,
                frame.value,
                tuple(frame.yields) if places.is_generator(self.source, frame.node) else (),
            )
            for frame in self.frames
        )

    def _arguments(self, frame: _Frame) -> dict[str, str]:
        names = places.parameters(self.source, frame.node)
        return {name: frame.given[name] for name in names if name in frame.given}

    def steps_made(self) -> tuple[Step, ...]:
        return tuple(
            Step(
                step.index,
                step.kind,
                step.node,
                step.frame,
                self.source.line(step.node),
                step.visit,
                step.run_visit,
                step.loops,
                step.before,
                tuple(step.changes.values()),
                step.bound,
                tuple(step.evaluations),
                step.raised,
            )
            for step in self.steps
        )

    def evaluations_made(self) -> tuple[Evaluation, ...]:
        return tuple(
            Evaluation(index, made.step, made.node, made.value, made.truth, made.frames, made.begun)
            for index, made in enumerate(self.evaluations)
        )


def _set(state: dict[str, str], name: str, text: str | None) -> None:
    if text is None:
        state.pop(name, None)
    else:
        state[name] = text
