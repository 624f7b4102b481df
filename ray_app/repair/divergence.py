"""Where a buggy run first does something else than the run of its fix: two records compared step by step.

Both runs begin with the same call. Steps are matched by the nodes that correspond (`changes`), in the order in which
they begin and end, those of called functions and of comprehensions included. Steps that only one version has are passed
over as long as they change nothing that both versions know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ray_app.repair import effects
from ray_app.repair.changes import Comparison
from ray_app.semantics.record import Run, Step

Kind = Literal["raise", "test", "loop", "state", "return", "element", "call", "path"]


@dataclass(frozen=True, slots=True)
class Divergence:
    """`wrong` is the step of the buggy run where it goes wrong, `right` its counterpart in the run of the fix.

    raise    only one of the two raises, or something else    test    a condition comes out otherwise
    loop     a loop is about to go over other items           state   a variable of `names` gets another value
    return   another value is returned or yielded             element a comprehension makes another element
    call     a function of the program gets other arguments
    path     another step follows: `right` is what the fix does there and the buggy program does not; `guards` are
             the steps that only the fix has and that led there, `follows` is what the buggy run does instead;
             `early`: it has not begun by then
    """

    kind: Kind
    wrong: Step
    right: Step
    names: tuple[str, ...] = ()
    guards: tuple[Step, ...] = ()
    follows: Step | None = None
    early: bool = False


def diverge(wrong: Run, right: Run, programs: Comparison) -> Divergence | None:
    """The first divergence of two runs of the same call; None where their visible states never differ."""
    return _Walk(wrong, right, programs).first() if wrong.steps and right.steps else None


@dataclass(frozen=True, slots=True)
class _Point:
    """The beginning or the end of a step; `level` counts the calls and comprehensions around it.

    `enters`: it is the first step in a call or a comprehension.
    """

    step: Step
    level: int
    ends: bool
    enters: bool = False


def _points(run: Run) -> list[_Point]:
    """Beginnings and ends in the order of time; steps that are open where a recording was cut have no end."""
    found: list[_Point] = []
    around: list[_Point] = []
    levels: list[int] = []
    for step in run.steps:
        level = _level(run, step, levels)
        while around and around[-1].level >= level:
            ended = around.pop()
            found.append(_Point(ended.step, ended.level, ends=True))
        enters = step.index > 0 and level > levels[-1]
        around.append(_Point(step, level, ends=False, enters=enters))
        found.append(around[-1])
        levels.append(level)
    if not run.cut:
        found += [_Point(begun.step, begun.level, ends=True) for begun in reversed(around)]
    return found


def _level(run: Run, step: Step, levels: list[int]) -> int:
    """How deep a step lies. A comprehension lies deeper than the statement around it, in the same frame."""
    caller = run.frame_of(step).caller
    outer = 0 if caller is None else levels[caller] + 1
    return outer + (step.kind == "comprehension")


def _past(points: list[_Point], at: int) -> int:
    """The place behind a call or a comprehension that is entered at a place."""
    level = points[at].level
    return next((later for later in range(at, len(points)) if points[later].level < level), len(points))


class _Walk:
    """Two lists of points, walked through side by side."""

    def __init__(self, wrong: Run, right: Run, programs: Comparison) -> None:
        self.wrong, self.right, self.programs = wrong, right, programs
        self.names = programs.buggy.names & programs.fixed.names
        self.ours = self.seen(wrong, programs.to_fixed)
        self.theirs = self.seen(right, programs.to_buggy)
        self.last: tuple[Step, Step] | None = None
        # Loops that began with other items: what is wrong only if the loop then goes on otherwise.
        self.headers: dict[int, Divergence] = {}

    def seen(self, run: Run, matched: Mapping[int, int]) -> list[_Point]:
        """The points of the steps that both versions have, and the ends of those that do something by themselves."""
        return [point for point in _points(run) if point.step.node in matched or self.acts(run, point, matched)]

    def acts(self, run: Run, point: _Point, matched: Mapping[int, int]) -> bool:
        """Whether a step that only one version has does something that both know, in a function that both have."""
        step, function = point.step, run.frame_of(point.step).node
        does = bool(self.changed(step) or step.raised or effects.handed_out(run, step) is not None)
        return point.ends and does and (function < 0 or function in matched)

    def changed(self, step: Step) -> tuple[str, ...]:
        """The variables known to both programs that a step changes."""
        return tuple(change.name for change in step.changes if change.name in self.names)

    def first(self) -> Divergence | None:
        """The first divergence, from the beginning of both runs."""
        i = j = 0
        while i < len(self.ours) and j < len(self.theirs):
            one, other = self.ours[i], self.theirs[j]
            same = self.correspond(one, other)
            # What comes of a call that only one run makes shows when the statement that calls is done.
            skips_one = one.enters and one.level >= other.level and not same
            skips_other = other.enters and other.level >= one.level and not same
            if skips_one or skips_other:
                i = _past(self.ours, i) if skips_one else i
                j = _past(self.theirs, j) if skips_other else j
                continue
            found = self.compare(one.step, other.step, ends=one.ends) if same else self.parted(one, other)
            if found is not None:
                return self.at_its_header(found)
            self.last = one.step, other.step
            i, j = i + 1, j + 1
        return self.over(i, j)

    def correspond(self, one: _Point, other: _Point) -> bool:
        """Whether the same thing begins or ends in both runs."""
        a, b = one.step, other.step
        return self.programs.to_fixed.get(a.node) == b.node and a.kind == b.kind and one.ends == other.ends

    def over(self, i: int, j: int) -> Divergence | None:
        """What is left where one of the runs is over, or its recording is."""
        rest, others = self.ours[i : i + 1], self.theirs[j : j + 1]
        is_cut = self.wrong.cut and not rest
        if is_cut or not (rest or others):
            return None
        return self.at_its_header(self.parted(rest[0] if rest else None, others[0] if others else None))

    def at_its_header(self, found: Divergence) -> Divergence:
        """Where a loop has other items, or more or fewer, the loop's beginning, if it shows there already."""
        iterations = [step for step in (found.wrong, found.follows) if step is not None and step.kind == "iteration"]
        loops = [step.node for step in iterations]
        if found.right.kind == "iteration":
            loops.append(self.programs.to_buggy.get(found.right.node, -1))
        return next((self.headers[loop] for loop in loops if loop in self.headers), found)

    def parted(self, one: _Point | None, other: _Point | None) -> Divergence:
        """Another step follows than in the run of the fix."""
        last = self.last or (self.wrong.steps[0], self.right.steps[0])
        if one is not None and one.step.node not in self.programs.to_fixed:
            return self.extra(one.step, last[1], other.step if other is not None else last[1])
        # Steps without an effect of their own that only one version has, such as `break`: they led elsewhere.
        extra = self.between(self.wrong, last[0], one, self.programs.to_fixed)
        guards = self.between(self.right, last[1], other, self.programs.to_buggy)
        names: tuple[str, ...] = ()
        wrong, right = extra[-1] if extra else last[0], last[1]
        if other is not None and other.step.node not in self.programs.to_buggy:
            right, names = other.step, self.changed(other.step)
        elif guards:
            right = guards[-1]
        elif other is not None:
            right = other.step
        follows = one.step if one is not None and not one.ends else None
        return Divergence("path", wrong, right, names, guards, follows, early=self.last is None)

    def extra(self, step: Step, last: Step, following: Step) -> Divergence:
        """A step that only the buggy program has, and what it does; `last` and `following` are around it in the fix."""
        names = self.changed(step)
        if step.raised:
            return Divergence("raise", step, following)
        return Divergence("state", step, last, names) if names else Divergence("return", step, following)

    def between(self, run: Run, last: Step, point: _Point | None, matched: Mapping[int, int]) -> tuple[Step, ...]:
        """The steps of the same call that only one version has, between the last common step and a point."""
        until = point.step.index if point is not None and point.step.index > last.index else None
        rest = run.steps[last.index if self.last is None else last.index + 1 : until]
        return tuple(step for step in rest if step.node not in matched and step.frame == last.frame)

    def compare(self, a: Step, b: Step, *, ends: bool) -> Divergence | None:
        """Two steps that correspond: with which arguments their call began, or what they did."""
        return self.effect(a, b) if ends else self.entry(a, b)

    def entry(self, a: Step, b: Step) -> Divergence | None:
        """Whether a frame begins with other arguments."""
        ours, theirs = self.wrong.frame_of(a), self.right.frame_of(b)
        if ours.steps[0] != a.index or ours.arguments == theirs.arguments:
            return None
        if ours.caller is None or theirs.caller is None:
            return None
        return Divergence("call", self.wrong.steps[ours.caller], self.right.steps[theirs.caller])

    def effect(self, a: Step, b: Step) -> Divergence | None:
        """What two steps that correspond do otherwise."""
        bound = self.apart(dict(a.bound), dict(b.bound))
        if bound:
            return Divergence("state", a, b, bound)
        for kind, effect in effects.EFFECTS:
            if effect(self.wrong, a) != effect(self.right, b):
                return Divergence(kind, a, b)
        if a.kind == "statement":
            self.headers.pop(a.node, None)
            ours, theirs = effects.iterated(self.wrong, a), effects.iterated(self.right, b)
            if ours and theirs and ours != theirs:
                self.headers[a.node] = Divergence("loop", a, b)
        names = self.apart(*({change.name: change.after for change in step.changes} for step in (a, b)))
        return Divergence("state", a, b, names) if names else None

    def apart(self, ours: Mapping[str, str | None], theirs: Mapping[str, str | None]) -> tuple[str, ...]:
        """The names known to both programs that stand for different values."""
        return tuple(name for name in {**ours, **theirs} if name in self.names and ours.get(name) != theirs.get(name))
