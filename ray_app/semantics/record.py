"""The semantic record: what one call did, as plain data that everybody reads.

A `Run` holds frames, steps and evaluations, each by its index. Values are canonical texts (see
`ray_app.tracing.canonical`); one that ends in "..." was cut and stands for no value.
"""

import ast
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ray_app.semantics.source import Source

Scope = Literal["local", "captured", "global"]
StepKind = Literal["statement", "iteration", "test", "case", "handler", "finally", "comprehension"]
FrameEnd = Literal["return", "raise", "suspended", "cut"]
CrossingKind = Literal["call", "return", "raise", "yield", "resume", "exit"]


@dataclass(frozen=True, slots=True)
class Change:
    """A variable that a step has changed; a mutation counts, also by a callee.

    `name` is "Cls.attr" for a data attribute of a class of the program. None: not bound. `aliases` are other names
    visible in the frame that hold the very same mutable object afterwards.
    """

    name: str
    scope: Scope
    before: str | None
    after: str | None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation of one expression, at the moment at which it was complete.

    `truth` is what CPython took the value for where it stood as a condition. `frames` are those entered by this
    operation itself (a call's callee, a property, `__eq__` ...), not by its operands. `begun` steps of the run had
    begun when it was complete. Of `x += 1` the target is evaluated to the old value, and the statement to the new one.

    Not recorded: constants (but operands of `and` and `or`, and of a chain of
    comparisons those behind the first link), names of modules, functions, classes and built-ins,
    lambdas, generator expressions, and what stands right where it is called (`f` in `f(x)`, `xs.append` in
    `xs.append(x)`).
    """

    index: int
    step: int
    node: int
    value: str
    truth: bool | None = None
    frames: tuple[int, ...] = ()
    begun: int = 0


@dataclass(frozen=True, slots=True)
class Crossing:
    """The run goes into a frame or out of it; "exit": the body of `node`, a `for` or `with`, has ended once.

    `begun` steps had begun and `evaluated` evaluations were complete. `value` is what was returned, yielded, or
    "Type: message"; None for the other kinds.
    """

    kind: CrossingKind
    frame: int
    begun: int
    evaluated: int
    value: str | None = None
    node: int = -1


@dataclass(frozen=True, slots=True)
class Step:
    """Something that begins in a frame.

    kind       statement      `node` is the statement; a lambda's frame has one, whose node is the Lambda. A step of a
                              compound statement is its head: the statements in its blocks are steps of their own
               iteration      an iteration of a `for` begins (node: the For)
               test           the test of a `while` is about to be evaluated (node: the While)
               case           a case's pattern has matched (node: match_case); its guard is evaluated in this step
               handler        an exception handler is entered (node: ExceptHandler)
               finally        the `finally` block is entered (node: the Try)
               comprehension  an iteration of a clause begins (node: comprehension)
    line       of the node; decorators do not count
    visit      how often this (node, kind) has begun in this frame, with this time; `run_visit` in the whole run
    loops      loops around it in its frame, outermost first, with the iteration from 1. Steps of the kinds "iteration",
               "test" (the number of the test) and "comprehension" have their own loop last
    before     the frame's variables just before: locals, captured ones, and the watched globals
    changes    its own effect: until the frame's next step, or its end or suspension
    bound      the names bound by "iteration", "comprehension", "case" and "handler", with their values
    evaluations  in order of completion; those in comprehension steps within it are among them
    raised     "Type: message" where an exception left it, wherever that was caught
    """

    index: int
    kind: StepKind
    node: int
    frame: int
    line: int
    visit: int
    run_visit: int
    loops: tuple[tuple[int, int], ...]
    before: Mapping[str, str] = field(repr=False)
    changes: tuple[Change, ...] = ()
    bound: tuple[tuple[str, str], ...] = ()
    evaluations: tuple[int, ...] = ()
    raised: str | None = None

    @property
    def after(self) -> Mapping[str, str]:
        """The variables when the step's own effect was complete."""
        values = dict(self.before)
        for change in self.changes:
            if change.after is None:
                values.pop(change.name, None)
            else:
                values[change.name] = change.after
        return values


@dataclass(frozen=True, slots=True)
class Frame:
    """One activation of a function, lambda, generator expression or class body; frame 0 is the entry call's.

    List, set and dictionary comprehensions are no frames: what they do belongs to the statement around them.
    `node` is -1 where the frame is none of the program's nodes; `caller` is the step during which it was entered, None
    where no step of the program did that. `value` is what was returned, or "Type: message"; None where it is suspended,
    or still ran when the record was cut.
    """

    serial: int
    function: str
    node: int
    caller: int | None
    arguments: Mapping[str, str]
    steps: tuple[int, ...]
    end: FrameEnd
    value: str | None
    yields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """What one call did: `output` is its canonical value, or `exception` "Type: message" what it raised.

    A run that is `cut` was stopped, or went on, where its budget ended: it has neither, and its last steps may
    lack changes.
    """

    source: Source
    call: str
    frames: tuple[Frame, ...]
    steps: tuple[Step, ...]
    evaluations: tuple[Evaluation, ...]
    output: str | None
    exception: str | None
    stdout: str
    crossings: tuple[Crossing, ...] = field(default=(), repr=False)
    cut: bool = False

    def steps_of(self, node: int, kind: StepKind | None = None) -> tuple[Step, ...]:
        """Every time that the node began, in order; with `kind`, only those of that kind."""
        found = self._steps_by_node.get(node, ())
        return tuple(step for step in found if kind is None or step.kind == kind)

    def evaluations_of(self, node: int) -> tuple[Evaluation, ...]:
        """Every evaluation of the node, in order."""
        return self._evaluations_by_node.get(node, ())

    def evaluation_in(self, step: Step, node: int) -> Evaluation | None:
        """The evaluation of the node in the step: the last one, where a comprehension makes several."""
        found = [self.evaluations[index] for index in step.evaluations if self.evaluations[index].node == node]
        return found[-1] if found else None

    def frame_of(self, step: Step) -> Frame:
        """The frame in which the step began."""
        return self.frames[step.frame]

    def next_in_frame(self, step: Step) -> Step | None:
        """The step that began next in the same frame."""
        steps = self.frames[step.frame].steps
        at = steps.index(step.index) + 1
        return self.steps[steps[at]] if at < len(steps) else None

    def callees(self, step: Step) -> tuple[Frame, ...]:
        """The frames that were entered during the step, in order."""
        return tuple(frame for frame in self.frames if frame.caller == step.index)

    def truth_of(self, step: Step, condition: ast.expr) -> bool | None:
        """What CPython took a condition for in this step; None where it was not evaluated to its end."""
        if isinstance(condition, ast.Constant):
            return bool(condition.value)
        found = self.evaluation_in(step, self.source.id_of(condition))
        return found.truth if found else None

    def iterations(self, loop: int, frame: int) -> tuple[int, ...]:
        """How many iterations each entry into the loop began, in this frame. An entry is a `for` or `while` statement;
        a clause of a comprehension counts from its first iteration on, so an empty one does not show."""
        counts: list[int] = []
        for step in self._loop_steps(loop, frame):
            begins_entry = step.kind == "statement" or (step.kind == "comprehension" and step.loops[-1][1] == 1)
            if begins_entry:
                counts.append(0)
            if counts and self._begins_iteration(step):
                counts[-1] += 1
        return tuple(counts)

    def _loop_steps(self, loop: int, frame: int) -> Iterator[Step]:
        return (step for step in self.steps_of(loop) if step.frame == frame)

    def _begins_iteration(self, step: Step) -> bool:
        node = self.source.nodes[step.node]
        if isinstance(node, ast.While):
            return step.kind == "test" and self.truth_of(step, node.test) is True
        return step.kind in ("iteration", "comprehension")

    @functools.cached_property
    def _steps_by_node(self) -> dict[int, tuple[Step, ...]]:
        found: dict[int, list[Step]] = {}
        for step in self.steps:
            found.setdefault(step.node, []).append(step)
        return {node: tuple(steps) for node, steps in found.items()}

    @functools.cached_property
    def _evaluations_by_node(self) -> dict[int, tuple[Evaluation, ...]]:
        found: dict[int, list[Evaluation]] = {}
        for evaluation in self.evaluations:
            found.setdefault(evaluation.node, []).append(evaluation)
        return {node: tuple(evaluations) for node, evaluations in found.items()}
