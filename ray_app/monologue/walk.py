"""The claims of a forward monologue walked along a timeline, in reading order.

A cursor moves forward through the events and never back: a claim that is placed on a line must hold at one of the
line's executions from the cursor on, a claim without a place at some statement from the cursor on, and always inside
the iterations that the text names. So a true statement told too late, or in the wrong iteration, fails.
"""

import ast
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice, pairwise

from ray_app.monologue.check import check
from ray_app.monologue.claim import Anchor, Claim
from ray_app.monologue.deciding import uses
from ray_app.monologue.finding import Finding, child_frames, matches_call, run_around, stores
from ray_app.monologue.quotes import quotes
from ray_app.monologue.source import is_inner
from ray_app.monologue.timeline import Frame, LoopRun, Moment, Timeline
from ray_app.monologue.whole import WHOLE, check_whole

_LOOK_AHEAD = 1_000
_FOREVER = 1 << 60
_APART = 8


@dataclass(frozen=True, slots=True)
class Checked:
    """A claim with its finding."""

    claim: Claim
    finding: Finding


def walk(timeline: Timeline, claims: Sequence[Claim]) -> list[Checked]:
    """The finding of every claim, in order."""
    walker = _Walker(timeline)
    done: list[Checked] = []
    for _, group in groupby(claims, key=lambda claim: claim.sentence):
        done += walker.sentence(list(group))
    return done


class _Walker:
    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.cursor = 0
        self.current: Moment | None = None
        self._implied: tuple[Anchor, ...] = ()
        self._frame: int | None = None
        self._told_before: set[tuple[int, str]] = set()
        self._told_here: set[tuple[int, str]] = set()
        self._at: dict[int, list[Moment]] = {}
        for moment in timeline.moments:
            self._at.setdefault(moment.line, []).append(moment)
        self._around = [one for one, other in pairwise(timeline.moments) if one.end > other.start]
        self._windows_of: dict[tuple[Anchor, ...], list[tuple[int, int]]] = {}
        self._targets = {name for loop in timeline.source.loops.values() for name in loop.targets}

    def sentence(self, claims: list[Claim]) -> list[Checked]:
        self._implied = ()
        self._frame = None
        self._told_before |= self._told_here
        self._told_here = set()
        done: list[Checked] = []
        for _, group in groupby(claims, key=lambda claim: (claim.line, claim.iterations)):
            done += self._group(list(group))
        return done

    def _group(self, claims: list[Claim]) -> list[Checked]:
        if not claims[0].line:
            return self._at_once([self._free(claim) for claim in claims])
        placed = [claim for claim in claims if claim.kind not in WHOLE]
        found = self._placed(placed) if placed else []
        by_identity = {id(item.claim): item for item in found}
        return [by_identity.get(id(claim)) or Checked(claim, check_whole(self.timeline, claim)) for claim in claims]

    def _at_once(self, done: list[Checked]) -> list[Checked]:
        """Values stated in one breath ("lo is 3 and hi is 4") must also be true at the same moment."""
        for at in range(1, len(done)):
            before, this = done[at - 1], done[at]
            claims = [before.claim, this.claim]
            if not (before.finding.holds and this.finding.holds and _is_one_breath(*claims)):
                continue
            windows = self._windows(this.claim.iterations) if this.claim.iterations else [(0, _FOREVER)]
            if not any(
                all(check(self.timeline, claim, moment).holds for claim in claims)
                for moment in self.timeline.moments[:_LOOK_AHEAD]
                if any(low <= moment.start < high for low, high in windows)
            ):
                shown = f"{this.finding.evidence}, but not while {before.claim.subject} is {before.claim.value}"
                done[at] = Checked(this.claim, Finding(False, shown))
        return done

    def _placed(self, claims: list[Claim]) -> list[Checked]:
        """Claims that share a line: the earliest execution of it at which all hold, else the first one's findings."""
        first: list[Checked] = []
        untold: tuple[Moment, list[Checked]] | None = None
        meant = _before_their_change(claims)
        for moment in self._executions(claims[0]):
            changed = {(moment.index, claim.subject) for claim in claims if claim.how == "change"}
            if changed & self._told_before:
                continue
            found = [
                Checked(claim, self._called_anew(check(self.timeline, one, moment), claim, moment))
                for claim, one in zip(claims, meant, strict=True)
            ]
            if all(item.finding.holds or item.claim.kind in ("code", "quote") for item in found) and not _refuted(
                found
            ):
                self._advance(moment, claims)
                self._told_here |= changed
                return found
            if untold is None and not _refuted(found):
                untold = (moment, found)
            if not first or _truths(found) > _truths(first):
                first = found
        if untold is not None:
            self._advance(untold[0], claims)
            return untold[1]
        if not first:
            reason = f"L{claims[0].line} does not run here"
            return [Checked(claim, Finding(False, reason)) for claim in claims]
        return first

    def _executions(self, claim: Claim) -> Iterator[Moment]:
        line, wanted = self.timeline.source.stands_for(claim.line)
        if isinstance(self.timeline.source.statements.get(line), ast.FunctionDef):
            yield from self._beginnings(line)
            return
        anchors = self._applicable(claim.iterations, line)
        windows = self._windows(anchors) if anchors else [(0, _FOREVER)]
        for moment in self._from_cursor(line):
            if is_inner(moment.function) or (claim.visit and moment.visit != claim.visit):
                continue
            if wanted is not None and moment.outcome is not wanted:
                continue
            if any(low <= moment.start < high for low, high in windows):
                yield moment

    def _beginnings(self, line: int) -> Iterator[Moment]:
        """The first statements of the calls of the function defined at a line."""
        for frame in self.timeline.frames.values():
            definition = self.timeline.source.function(frame.function)
            if frame.call >= self.cursor and frame.moments and definition is not None and definition.lineno == line:
                yield replace(frame.moments[0], line=line, changes=(), end=frame.moments[0].start)

    def _applicable(self, anchors: tuple[Anchor, ...], line: int) -> tuple[Anchor, ...]:
        """The anchors whose loop holds the line; a helper's lines lie in no loop of their caller."""
        around = self.timeline.source.enclosing.get(line, ())
        if not around:
            return ()
        return tuple(anchor for anchor in anchors if anchor[0] is None or self._loop_line(anchor[0]) in around)

    def _loop_line(self, line: int) -> int:
        loop = self.timeline.source.loop_of(line)
        return loop.line if loop is not None else line

    def _windows(self, anchors: tuple[Anchor, ...]) -> list[tuple[int, int]]:
        """The event ranges that lie in all the iterations; loops that do not hold the innermost one are over."""
        if anchors not in self._windows_of:
            self._windows_of[anchors] = self._common(anchors)
        return self._windows_of[anchors]

    def _common(self, anchors: tuple[Anchor, ...]) -> list[tuple[int, int]]:
        if anchors and anchors[-1][0] is not None:
            around = self.timeline.source.enclosing.get(self._loop_line(anchors[-1][0]), ())
            anchors = tuple(item for item in anchors if item[0] is None or self._loop_line(item[0]) in around)
        windows = [(0, _FOREVER)]
        for line, number in anchors:
            spans = [
                _iteration(run, number) if number else self._after(run)
                for run in self.timeline.runs
                if line is None or run.line == self._loop_line(line)
            ]
            windows = [
                (max(low, span[0]), min(high, span[1]))
                for low, high in windows
                for span in spans
                if span is not None and max(low, span[0]) < min(high, span[1])
            ]
        return sorted(set(windows))

    def _after(self, run: LoopRun) -> tuple[int, int]:
        """The time from a loop's end on; of a loop that ends its frame, the frame's last statement."""
        over = run.spans[-1][1] if run.spans else run.end
        return min(over, self.timeline.frames[run.frame].moments[-1].start), _FOREVER

    def _from_cursor(self, line: int = 0) -> Iterator[Moment]:
        """The moments, of one line or of any, that a claim may be about: the current one, those still running, and all
        later ones."""
        cursor, current = self.cursor, self.current
        if current is not None and current.end >= cursor and line in (0, current.line):
            yield current
        for moment in reversed(self._around):
            if moment.start < cursor < moment.end and moment is not current and line in (0, moment.line):
                yield moment
        moments = self._at.get(line, []) if line else self.timeline.moments
        low = bisect_left(moments, cursor, key=_start)
        for position in range(low, len(moments)):
            if moments[position] is not current:
                yield moments[position]

    def _advance(self, moment: Moment, claims: Iterable[Claim]) -> None:
        self.current = self.timeline.moments[moment.index]
        called = [frame for claim in claims if claim.kind == "call" for frame in self._called(claim, moment)]
        entering = bool(called)
        told = (
            any(claim.kind in ("value", "return", "added", "removed", "anonymous") for claim in claims) and not entering
        )
        begun = called[0].call if called else moment.start
        self.cursor = max(self.cursor, moment.end if told else begun)

    def _called_anew(self, finding: Finding, claim: Claim, moment: Moment) -> Finding:
        """A statement that still runs has made its earlier calls already: they cannot be told as made now."""
        if claim.kind == "call" and claim.how == "call" and finding.holds and not self._called(claim, moment):
            return Finding(False, f"{finding.evidence}, but earlier than this is told")
        return finding

    def _called(self, claim: Claim, moment: Moment) -> list[Frame]:
        """The frames from the cursor on that a call claim can mean."""
        children = [frame for frame in child_frames(self.timeline, moment) if frame.call >= self.cursor]
        return [frame for frame in children if matches_call(self.timeline, claim.subject, frame, moment.before)]

    def _free(self, claim: Claim) -> Checked:
        """A claim without a line: somewhere from the cursor on, inside the iterations named or implied."""
        if claim.kind in WHOLE:
            return Checked(claim, check_whole(self.timeline, claim))
        if claim.kind in ("code", "quote"):
            return Checked(claim, Finding(None, "quoted"))
        if claim.kind == "iteration":
            return Checked(claim, self._iteration_exists(claim))
        if claim.kind == "return" and claim.how in ("own", "final"):
            final = check(self.timeline, replace(claim, how="final"), self.timeline.moments[0])
            if final.holds:
                return Checked(claim, final)
        if claim.kind == "count":
            return Checked(claim, self._some_loop(claim))
        if claim.kind == "past" or claim.how == "past":
            return Checked(claim, self._earlier(claim))
        return self._search(claim)

    def _search(self, claim: Claim) -> Checked:
        anchors = claim.iterations or ((), self._implied)[claim.subject not in self._targets]
        windows = self._windows(anchors) if anchors else []
        first: Finding | None = None
        candidates = self._candidates(claim, anchors, windows)
        meant = claim
        if anchors and claim.kind == "value" and claim.how == "state":
            found_here = list(candidates)
            inside = [m for m in found_here if any(low <= m.start < high for low, high in windows)]
            candidates = iter(found_here)
            if self._is_renewed(claim.subject, inside):
                meant = replace(claim, how="set")
        for moment in islice(candidates, _LOOK_AHEAD):
            found = check(self.timeline, meant, moment)
            if found.holds:
                self._advance(moment, [claim])
                self._imply(claim, moment)
                if claim.kind in ("value", "expression", "branch"):
                    self._frame = moment.frame
                return Checked(claim, found)
            if first is None or (first.holds is None and found.holds is False):
                first = found
        if first is None:
            return Checked(claim, Finding(False, "nothing of the kind happens here"))
        return Checked(claim, first)

    def _candidates(
        self, claim: Claim, anchors: tuple[Anchor, ...], windows: list[tuple[int, int]]
    ) -> Iterator[Moment]:
        """The moments a claim without a line may be about; of an iteration, those that its wording means."""
        if not anchors:
            yield from (m for m in self._from_cursor() if self._may_mean(claim, m))
            return
        later = [moment for moment in self._from_cursor() if self._may_mean(claim, moment)]
        for low, high in windows:
            inside = [moment for moment in later if low <= moment.start < high]
            if claim.how == "end":
                done = [moment for moment in inside if moment.end <= high]
                yield from [max(done, key=lambda moment: moment.end)] if done else []
            elif claim.how == "set" or (claim.how == "state" and self._is_renewed(claim.subject, inside)):
                changing = [m for m in inside if _writes(self.timeline, m, claim.subject)]
                yield from changing or inside
            else:
                yield from inside

    def _may_mean(self, claim: Claim, moment: Moment) -> bool:
        """What a sentence says of values and tests after its first true claim stays in that claim's frame."""
        if self._frame not in (None, moment.frame) and claim.kind in ("value", "expression", "branch", "element"):
            return False
        code = self.timeline.source.code
        return (
            claim.kind != "expression"
            or claim.how == "change"
            or not quotes(code, claim.subject, 0)
            or quotes(code, claim.subject, moment.line)
        )

    def _is_renewed(self, name: str, inside: list[Moment]) -> bool:
        """Whether an iteration writes a variable before it reads it, so that an older value cannot be meant."""
        if name in self._targets:
            return True
        for moment in inside:
            if name in uses(self.timeline.source, moment.line):
                return False
            if _writes(self.timeline, moment, name):
                return True
        return False

    def _imply(self, claim: Claim, moment: Moment) -> None:
        """`i = 2: ...` places the rest of the sentence in the iteration that gave `i` this value."""
        loop = self.timeline.source.loops.get(moment.line)
        if claim.kind == "value" and loop is not None and claim.subject in loop.targets and moment.iterations:
            self._implied = moment.iterations

    def _iteration_exists(self, claim: Claim) -> Finding:
        windows = self._windows(claim.iterations)
        later = [window for window in windows if window[1] > self.cursor]
        if not later:
            return Finding(False, "no such iteration from here on")
        return Finding(True, f"events {later[0][0]} to {later[0][1]}")

    def _some_loop(self, claim: Claim) -> Finding:
        line = int(claim.subject) if claim.subject else 0
        runs = [run for run in self.timeline.runs if not line or run.line == self._loop_line(line)]
        near = run_around(self.timeline, self.current, line) if self.current is not None else None
        counts = [
            len(run.spans) for run in ([near] if near is not None and len(self.timeline.source.loops) > 1 else runs)
        ]
        total = sum(counts)
        shown = ", ".join(f"the loop on L{run.line} runs {len(run.spans)} times" for run in runs) or "no loop runs"
        if not runs and claim.value == "0":
            return Finding(True, shown)
        return Finding(claim.value in map(str, counts) or (len(runs) > 1 and claim.value == str(total)), shown)

    def _earlier(self, claim: Claim) -> Finding:
        for moment in reversed([m for m in self.timeline.moments if m.start <= self.cursor]):
            found = check(self.timeline, claim, moment)
            if found.holds:
                return found
        return Finding(False, f"{claim.subject} was never {claim.value} up to here")


def _start(moment: Moment) -> int:
    return moment.start


def _writes(timeline: Timeline, moment: Moment, name: str) -> bool:
    return any(change.name == name for change in moment.changes) or stores(timeline, moment, name)


def _before_their_change(claims: list[Claim]) -> list[Claim]:
    """Where a text says what a variable is and then what the statement makes of it, the first is the value before."""
    changed = {claim.subject: claim.start for claim in claims if claim.kind == "value" and claim.how == "change"}
    return [
        replace(claim, how="before")
        if claim.kind == "value" and claim.how == "state" and claim.start < changed.get(claim.subject, -1)
        else claim
        for claim in claims
    ]


def _is_one_breath(before: Claim, this: Claim) -> bool:
    return (
        before.kind == this.kind == "value"
        and before.how == this.how == "state"
        and before.subject != this.subject
        and before.iterations == this.iterations
        and 0 <= this.start - before.end <= _APART
    )


def _refuted(found: list[Checked]) -> bool:
    return any(item.finding.holds is False for item in found)


def _truths(found: list[Checked]) -> int:
    return sum(item.finding.holds is True for item in found)


def _iteration(run: LoopRun, number: int) -> tuple[int, int] | None:
    if number == -1:
        return run.spans[-1] if run.spans else None
    return run.spans[number - 1] if 1 <= number <= len(run.spans) else None
