"""A run arranged for looking things up: by line, by name, by expression, on one clock.

The clock counts what the record holds in the order in which it happened: every step that begins and every evaluation
that
is complete is one tick. A `Spot` is a stretch of it that words can be about.
"""

import ast
import functools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ray_app.semantics.record import Change, Evaluation, Frame, Run, Step
from ray_app.semantics.source import Source, read
from ray_app.verification.known import size
from ray_app.verification.values import derived_texts, recorded_texts

_NUMBER = re.compile(r"(?<![\w.])-?\d+(?![\w.])")
SpotKind = Literal["step", "call", "loop end", "passed"]
FOREVER = 1 << 60


@dataclass(frozen=True, slots=True)
class Spot:
    """`step`: what happens there; of "call" the first step of the frame (None where it has none), of "loop end" the
    loop's
    statement, of "passed" the step whose exception a handler does not take, or the `match` of which a case does not
    match: `node` is that handler or case."""

    kind: SpotKind
    step: Step | None
    frame: Frame
    start: float
    end: float
    node: int = -1


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry into a loop: when each iteration began, and when the loop was over (an inner one before an outer
    one)."""

    node: int
    frame: int
    step: Step
    begins: tuple[float, ...]
    end: float

    def window(self, number: int) -> tuple[float, float] | None:
        """The time of an iteration; -1: of the last one."""
        if number < 0:
            number = len(self.begins)
        if number == len(self.begins) + 1:  # what ends the loop may be counted as one more
            return self.end - 0.2, self.end + 0.01
        if not 1 <= number <= len(self.begins):
            return None
        following = self.begins[number] - 0.01 if number < len(self.begins) else self.end - 0.0005
        return self.begins[number - 1], following


@dataclass
class Facts:
    """What verification asks of a run; everything but the clock is made when first asked for.

    `strict`: the text tells one step a line, so what it says of a line is what happened there, not what follows from
    it.
    """

    run: Run
    strict: bool = False
    evaluated_at: list[float] = field(default_factory=list[float], repr=False)
    begun_at: list[float] = field(default_factory=list[float], repr=False)
    ended_at: list[float] = field(default_factory=list[float], repr=False)
    frame_began_at: list[float] = field(default_factory=list[float], repr=False)
    frame_ended_at: list[float] = field(default_factory=list[float], repr=False)
    crossed_at: list[float] = field(default_factory=list[float], repr=False)

    def __post_init__(self) -> None:
        self._set_clock()

    def _set_clock(self) -> None:
        """Steps, evaluations and the crossings between frames in the order in which they happened."""
        run = self.run
        steps_before = [evaluation.begun for evaluation in run.evaluations]
        self.evaluated_at = [float(index + before) for index, before in enumerate(steps_before)]
        self.begun_at = [float(step.index + bisect_right(steps_before, step.index)) for step in run.steps]
        frames = len(run.frames)
        self.frame_began_at, self.frame_ended_at = [0.0] * frames, [0.0] * frames
        before, same = -1, 0
        for crossing in run.crossings:
            tick = crossing.begun + crossing.evaluated
            same = same + 1 if tick == before else 0  # several without a tick between them
            before = tick
            at = tick - 0.8 + 0.3 * same / (same + 1)
            self.crossed_at.append(at)
            if crossing.kind == "call":
                self.frame_began_at[crossing.frame] = at
            self.frame_ended_at[crossing.frame] = at
        self.ended_at = self._ends()

    def _ends(self) -> list[float]:
        """When the effect of each step was complete: just before the next step of its frame, or with the frame."""
        ends = [0.0] * len(self.run.steps)
        exits: dict[int, list[float]] = {}
        for crossing, at in zip(self.run.crossings, self.crossed_at, strict=True):
            if crossing.kind == "exit":
                exits.setdefault(crossing.frame, []).append(at)
        for frame in self.run.frames:
            following = self.frame_ended_at[frame.serial] - 0.01
            for index in reversed(frame.steps):
                if self.run.steps[index].kind == "comprehension":  # part of the statement around it
                    ends[index] = self._last_evaluation(index) + 0.1
                else:
                    left = (at for at in exits.get(frame.serial, ()) if at > self.begun_at[index])
                    ends[index] = min(following, min(left, default=following))  # the body of a loop may end before
                    following = self.begun_at[index] - 0.1
        return ends

    def _last_evaluation(self, step: int) -> float:
        evaluations = self.run.steps[step].evaluations
        return self.evaluated_at[evaluations[-1]] if evaluations else self.begun_at[step]

    def crossings(self, frame: Frame, kind: str, spot: "Spot") -> list[tuple[float, str | None]]:
        """When a frame was left or gone into again during a spot, and with which value."""
        return [
            (at, crossing.value)
            for crossing, at in zip(self.run.crossings, self.crossed_at, strict=True)
            if crossing.frame == frame.serial and crossing.kind == kind and spot.start <= at <= spot.end + 1
        ]

    @functools.cached_property
    def callees(self) -> dict[int, list[Frame]]:
        """The frames entered during each step."""
        found: dict[int, list[Frame]] = {}
        for frame in self.run.frames:
            if frame.caller is not None:
                found.setdefault(frame.caller, []).append(frame)
        return found

    # Spots

    @functools.cached_property
    def spots(self) -> dict[int, list[Spot]]:
        """The spots of each line, in the order of their start."""
        found: dict[int, list[Spot]] = {}
        for spot in self._all_spots():
            line = self._line(spot)
            found.setdefault(line, []).append(spot)
        for spots in found.values():
            spots.sort(key=lambda spot: spot.start)
        return found

    @functools.cached_property
    def steps(self) -> list[Spot]:
        """Every step's spot, by the step's index."""
        frames = self.run.frames
        return [
            Spot("step", step, frames[step.frame], self.begun_at[step.index], self.ended_at[step.index])
            for step in self.run.steps
        ]

    @functools.cached_property
    def calls(self) -> list[Spot]:
        """Where frames begin, by serial."""
        return [self._call_spot(frame) for frame in self.run.frames]

    def _call_spot(self, frame: Frame) -> Spot:
        first = self.run.steps[frame.steps[0]] if frame.steps else None
        start = self.frame_began_at[frame.serial]
        return Spot("call", first, frame, start, start)

    def _all_spots(self) -> Iterator[Spot]:
        yield from self.steps
        yield from self.calls
        for entries in self.entries.values():
            for entry in entries:
                yield Spot("loop end", entry.step, self.run.frames[entry.frame], entry.end, entry.end)

        yield from self._passed_cases()
        yield from self._passed_handlers()

    def _passed_cases(self) -> Iterator[Spot]:
        """The cases that were tried before the one that matched, or to the end."""
        source = self.run.source
        for step in self.run.steps:
            node = source.nodes[step.node]
            if not isinstance(node, ast.Match):
                continue
            matched = self._inner_steps(step, [source.id_of(one) for one in node.cases], "case")
            taken = matched[-1].node if matched and self._holds(matched[-1]) else -1
            at = self.ended_at[step.index]
            for number, one in enumerate(node.cases):
                case = source.id_of(one)
                own = next((other for other in matched if other.node == case), None)
                if own is None:
                    place = at + 0.005 + number * 0.0001
                    yield Spot("passed", step, self.run.frames[step.frame], place, place, case)
                else:
                    at = self.ended_at[own.index]
                if case == taken:
                    break

    def _holds(self, case: Step) -> bool:
        """Whether a case that matched has no guard, or one that held."""
        node = self.run.source.nodes[case.node]
        assert isinstance(node, ast.match_case)
        return node.guard is None or self.run.truth_of(case, node.guard) is not False

    def _passed_handlers(self) -> Iterator[Spot]:
        """The handlers that an exception passed, innermost `try` first."""
        source = self.run.source
        for step in self.run.steps:
            if step.raised is None:
                continue
            below = step.node
            for above in source.ancestors(step.node):
                node = source.nodes[above]
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                    break
                if isinstance(node, (ast.Try, ast.TryStar)) and any(source.nodes[below] is part for part in node.body):
                    taken = self._inner_steps(step, [source.id_of(one) for one in node.handlers], "handler")[:1]
                    for number, one in enumerate(node.handlers):
                        if taken and source.id_of(one) == taken[0].node:
                            break
                        at = self.raised_at(step) + 0.005 + number * 0.0001
                        yield Spot("passed", step, self.run.frames[step.frame], at, at, source.id_of(one))
                    if taken:
                        break
                below = above

    def _inner_steps(self, step: Step, nodes: list[int], kind: str) -> list[Step]:
        """The steps of these nodes right after a step of the same frame, before any other kind of step."""
        steps = self.run.frames[step.frame].steps
        found: list[Step] = []
        for index in steps[bisect_right(steps, step.index) :]:
            other = self.run.steps[index]
            if other.kind != kind or other.node not in nodes:
                if kind == "handler" and other.kind == "finally":
                    continue
                break
            found.append(other)
        return found

    def _line(self, spot: Spot) -> int:
        if spot.kind == "passed":
            return self.run.source.line(spot.node)
        if spot.kind == "call":
            return self.run.source.line(spot.frame.node) if spot.frame.node >= 0 else 0
        assert spot.step is not None
        return spot.step.line

    def from_line(self, line: int, end_line: int = 0) -> list[Spot]:
        """The spots of a line, or of lines; of a line on which nothing begins, those of the statement that it is
        part of."""
        if end_line > line:
            found = [spot for number in range(line, end_line + 1) for spot in self.spots.get(number, [])]
            return sorted(found, key=lambda spot: spot.start)
        found = self.spots.get(line)
        if found is not None:
            return found
        return self.spots.get(head_of(self.run.source, line), [])

    # Loops

    @functools.cached_property
    def entries(self) -> dict[int, list[Entry]]:
        """The entries into each loop, in order."""
        open_loops: dict[tuple[int, int], tuple[Step, list[float]]] = {}
        found: dict[int, list[Entry]] = {}
        nodes = self.run.source.nodes
        for step in self.run.steps:
            node = nodes[step.node]
            key = (step.node, step.frame)
            if isinstance(node, ast.comprehension):
                self._comprehension(step, key, open_loops, found)
            elif isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
                if step.kind == "statement":
                    self._over(key, open_loops, found)
                    open_loops[key] = (step, [])
                elif key in open_loops and self._begins(step, node):
                    open_loops[key][1].append(self.begun_at[step.index])
        for key in list(open_loops):
            self._over(key, open_loops, found)
        return found

    def _begins(self, step: Step, node: ast.AST) -> bool:
        if isinstance(node, ast.While):
            return self.run.truth_of(step, node.test) is True
        return step.kind == "iteration"

    def _comprehension(
        self,
        step: Step,
        key: tuple[int, int],
        open_loops: dict[tuple[int, int], tuple[Step, list[float]]],
        found: dict[int, list[Entry]],
    ) -> None:
        if step.loops[-1][1] == 1:
            self._over(key, open_loops, found)
            open_loops[key] = (step, [])
        if key in open_loops:
            open_loops[key][1].append(self.begun_at[step.index])

    def _over(
        self,
        key: tuple[int, int],
        open_loops: dict[tuple[int, int], tuple[Step, list[float]]],
        found: dict[int, list[Entry]],
    ) -> None:
        if key in open_loops:
            step, begins = open_loops.pop(key)
            end = self._loop_end(step, begins) + 0.05 - 0.001 * len(self.run.source.loops_of(key[0]))
            found.setdefault(key[0], []).append(Entry(key[0], key[1], step, tuple(begins), end))

    def _loop_end(self, step: Step, begins: list[float]) -> float:
        """When a loop was over: before the first step of its frame that lies outside, or with the frame."""
        source, steps = self.run.source, self.run.frames[step.frame].steps
        node = source.nodes[step.node]
        at = bisect_left(steps, step.index)
        for index in steps[at + 1 :]:
            other = self.run.steps[index]
            if self.begun_at[index] < (begins[-1] if begins else 0):
                continue
            if isinstance(node, ast.comprehension):
                if other.node != step.node and not any(loop == step.node for loop, _ in other.loops):
                    return self.begun_at[index] - 0.1
            elif other.node != step.node and not _is_in_loop(source, other.node, step.node):
                return self.begun_at[index] - 0.1
        return self.frame_ended_at[step.frame] - 0.055

    def loops_on(self, line: int) -> list[int]:
        """The loops whose own text begins on a line, or, with 0, all that were entered."""
        return [
            node for node in self.entries if line in (0, self.run.source.line(node)) or self._head_line(node) == line
        ]

    def _head_line(self, node: int) -> int:
        return self.run.source.line(self.run.source.statement_of(node))

    # Values

    @functools.cached_property
    def texts(self) -> frozenset[str]:
        """Every value that the record shows."""
        return recorded_texts(self.run)

    @functools.cached_property
    def derived(self) -> frozenset[str]:
        """The same things in other containers."""
        return derived_texts(self.texts)

    @functools.cached_property
    def numbers(self) -> frozenset[str]:
        """The numbers that a text may speak of: recorded ones, those in values and in the code, sizes, counts."""
        found = {number for text in (*self.texts, self.run.source.code) for number in _NUMBER.findall(text)}
        sizes = {len(text) for text in self.texts} | {known for text in self.texts if (known := size(text)) is not None}
        counts = {len(entry.begins) for entries in self.entries.values() for entry in entries}
        small = {number + step for number in (*sizes, *counts) for step in (-1, 0, 1)}
        return frozenset(found | {str(number) for number in small})

    # Names

    @functools.cached_property
    def history(self) -> dict[str, list[tuple[float, str | None, Step]]]:
        """For each name what it was changed to, when, and by which step; in order."""
        found: dict[str, list[tuple[float, str | None, Step]]] = {}
        for step in self.run.steps:
            for change in step.changes:
                found.setdefault(change.name, []).append((self.ended_at[step.index], change.after, step))
        for changes in found.values():
            changes.sort(key=lambda item: item[0])
        return found

    def owner(self, step: Step) -> Step:
        """The statement's step of which a comprehension's iteration is part; of any other step itself."""
        if step.kind != "comprehension":
            return step
        statement = self.run.source.statement_of(step.node)
        steps = self.run.frames[step.frame].steps
        for index in reversed(steps[: bisect_left(steps, step.index)]):
            other = self.run.steps[index]
            if other.kind != "comprehension":
                return other if other.node == statement or statement < 0 else step
        return step

    def changes(self, step: Step, name: str) -> list[Change]:
        """The changes of a name by a step: a `with` may make one at its beginning and one at its end."""
        return [change for change in step.changes if change.name == name]

    def left_at(self, step: Step) -> float:
        """When the block of a `with` was left."""
        left = (
            at
            for crossing, at in zip(self.run.crossings, self.crossed_at, strict=True)
            if crossing.kind == "exit" and crossing.node == step.node and at > self.begun_at[step.index]
        )
        return next(left, self.frame_ended_at[step.frame])

    def raised_at(self, step: Step) -> float:
        """When the exception left a step: of an iteration, or of a `with` that its end left, when the body was over."""
        over = self.left_at(step)
        if over == self.frame_ended_at[step.frame]:
            return self.ended_at[step.index]
        later = (self.begun_at[index] for index in self.run.frames[step.frame].steps if self.begun_at[index] > over)
        return min(later, default=self.frame_ended_at[step.frame]) - 0.05

    def number(self, node: ast.AST) -> int:
        """The id of a node of the program, -1 for any other."""
        try:
            return self.run.source.id_of(node)
        except KeyError:
            return -1

    # Expressions

    def evaluations(self, step: Step) -> list[Evaluation]:
        """What was evaluated in a step, in order."""
        return [self.run.evaluations[index] for index in step.evaluations]

    def state(self, spot: Spot) -> Mapping[str, str]:
        """The variables at the beginning of a spot, with what the step binds."""
        if spot.kind == "call":
            return {**(spot.step.before if spot.step else {}), **spot.frame.arguments}
        assert spot.step is not None
        if spot.kind == "loop end":
            return self.run.steps[self._last_inside(spot.step)].after
        return {**spot.step.before, **dict(spot.step.bound)} if spot.step.bound else spot.step.before

    def _last_inside(self, loop: Step) -> int:
        """The last step of a loop's frame before the loop was over."""
        steps = self.run.frames[loop.frame].steps
        entry = next(entry for entry in self.entries[loop.node] if entry.step is loop)
        at = bisect_right([self.begun_at[index] for index in steps], entry.end)
        return steps[max(0, at - 1)]


def _is_in_loop(source: Source, node: int, loop: int) -> bool:
    """Whether a node lies in the body of a loop (its `else` block runs after it)."""
    found = source.nodes[loop]
    below = node
    while (above := source.parent(below)) >= 0:
        if above == loop:
            return any(source.nodes[below] is part for part in getattr(found, "body", ()))
        below = above
    return False


@functools.lru_cache(maxsize=4_096)
def _heads(code: str) -> tuple[int, ...]:
    """For each line (from 0) the line of the innermost statement whose own text it is part of; `else:` belongs to
    its `if`."""
    source = read(code)
    heads = [0] * (len(source.lines) + 2)
    for node in source.nodes:
        if isinstance(node, ast.stmt):
            for line in range(node.lineno, min(node.end_lineno or node.lineno, len(source.lines)) + 1):
                heads[line] = node.lineno
    return tuple(heads)


def head_of(source: Source, line: int) -> int:
    """The line on which the statement begins that a line is part of."""
    heads = _heads(source.code)
    return heads[line] if 0 <= line < len(heads) else 0
