"""Where a buggy run first does something else than the run of its fix: two traces compared step by step.

Both runs start with the same call. Statements are matched by the lines that correspond (`align`), in the order in which
they begin and end, calls of the program's own functions included. Lines that only one version has are passed over as
long as they change nothing that both versions know.
"""

import ast
from dataclasses import dataclass, replace
from typing import Literal

from ray_app.monologue.source import is_inner
from ray_app.monologue.timeline import Moment, Timeline
from ray_app.repair.align import Alignment, align

Kind = Literal["state", "test", "return", "raise", "call", "path"]


@dataclass(frozen=True, slots=True)
class Divergence:
    """`wrong` is the statement of the buggy run where it goes wrong, `right` its counterpart in the run of the fix.

    state   a variable of `names` gets another value    test    a test (or a loop header) comes out otherwise
    return  another value is returned or yielded        raise   only one of the two raises, or something else
    call    a function of the program gets other arguments
    path    another statement follows: `right` is what the fix does there and the buggy program does not; `guards` are
            the statements that only the fix has and that led there; `early`: the buggy run has not begun by then
    """

    kind: Kind
    wrong: Moment
    right: Moment
    names: tuple[str, ...] = ()
    guards: tuple[Moment, ...] = ()
    early: bool = False


@dataclass(frozen=True, slots=True)
class _Point:
    """The beginning or the end of a statement."""

    moment: Moment
    ends: bool


def diverge(wrong: Timeline, right: Timeline) -> Divergence | None:
    """The first divergence of two runs of the same call; None where their visible states never differ."""
    lines = align(wrong.source.code, right.source.code)
    ours, theirs = _points(wrong), _points(right)
    i = j = 0
    if not ours or not theirs:
        return None
    last = ours[0].moment, theirs[0].moment
    guards: list[Moment] = []
    elsewhere: Divergence | None = None
    while i < len(ours) or j < len(theirs):
        if i < len(ours) and ours[i].moment.line not in lines.to_fixed:
            point = ours[i]
            if point.ends and _does_something(wrong, right, point.moment):
                return _extra(wrong, right, point.moment, theirs[j].moment if j < len(theirs) else last[1])
            i += 1
            continue
        if j < len(theirs) and theirs[j].moment.line not in lines.to_fixed.values():
            point = theirs[j]
            if point.ends and _does_something(right, wrong, point.moment):
                names = _changed(right, wrong, point.moment)
                return Divergence("path", last[0], point.moment, names, tuple(guards), early=i == 0)
            guards += [point.moment] if point.ends else []
            j += 1
            continue
        if i >= len(ours) or j >= len(theirs):
            return elsewhere or (None if wrong.trace.truncated else Divergence("path", *last))
        one, other = ours[i], theirs[j]
        if one.moment.depth != other.moment.depth:
            # A call that only one run makes: what comes of it shows when the statement that calls is done.
            elsewhere = elsewhere or Divergence("path", last[0], last[1])
            i, j = (i + 1, j) if one.moment.depth > other.moment.depth else (i, j + 1)
            continue
        found = _compare(wrong, right, one, other, lines, last)
        if found is not None and found.kind == "path" and guards:
            return replace(found, right=guards[-1], guards=tuple(guards[:-1]) or tuple(guards))
        if found is not None:
            return found
        last, guards = (one.moment, other.moment), []
        i, j = i + 1, j + 1
    return None


def _points(timeline: Timeline) -> list[_Point]:
    """Beginnings and ends in the order of time; statements that a cut trace leaves open have no end."""
    moments = [moment for moment in timeline.moments if not is_inner(moment.function)]
    done = [m for m in moments if m.end < len(timeline.trace.events)]
    timed = [(m.start, 1, 0, _Point(m, ends=False)) for m in moments]
    timed += [(m.end, 0, -m.start, _Point(m, ends=True)) for m in done]
    return [point for *_, point in sorted(timed, key=lambda item: item[:3])]


def _compare(
    wrong: Timeline, right: Timeline, one: _Point, other: _Point, lines: Alignment, last: tuple[Moment, Moment]
) -> Divergence | None:
    a, b = one.moment, other.moment
    same = lines.to_fixed[a.line] == b.line and a.depth == b.depth and one.ends == other.ends
    if not same:
        return Divergence("path", last[0], b if not other.ends else last[1])
    return _effect(wrong, right, a, b) if one.ends else _entry(wrong, right, a, b)


def _entry(wrong: Timeline, right: Timeline, a: Moment, b: Moment) -> Divergence | None:
    """Whether a frame begins with other arguments."""
    ours, theirs = wrong.frames[a.frame], right.frames[b.frame]
    if ours.moments[0] is not a or ours.arguments == theirs.arguments or ours.parent is None or theirs.parent is None:
        return None
    return Divergence("call", ours.parent, theirs.parent)


def _effect(wrong: Timeline, right: Timeline, a: Moment, b: Moment) -> Divergence | None:
    if _raised(wrong, a) != _raised(right, b):
        return Divergence("raise", a, b)
    if a.outcome is not None and b.outcome is not None and a.outcome != b.outcome:
        return Divergence("test", a, b)
    before, after = a.after(), b.after()
    shared = wrong.source.names & right.source.names
    changed = dict.fromkeys(change.name for change in (*a.changes, *b.changes))
    names = tuple(name for name in changed if name in shared and before.get(name) != after.get(name))
    if names:
        return Divergence("state", a, b, names)
    return Divergence("return", a, b) if handed_out(wrong, a) != handed_out(right, b) else None


def handed_out(timeline: Timeline, moment: Moment) -> str | None:
    """The value that a statement returns or yields; None where it does neither, be it the last of its function."""
    event = timeline.closing(moment)
    if event is None or event.kind not in ("return", "yield"):
        return None
    falls_off = event.value == "None" and not isinstance(timeline.source.statements.get(moment.line), ast.Return)
    return None if falls_off and event.kind == "return" else event.value


def _raised(timeline: Timeline, moment: Moment) -> str | None:
    event = timeline.closing(moment)
    return event.value if event is not None and event.kind == "exception" else None


def _changed(timeline: Timeline, other: Timeline, moment: Moment) -> tuple[str, ...]:
    """The variables known to both programs that a statement changes."""
    return tuple(change.name for change in moment.changes if change.name in other.source.names)


def _does_something(timeline: Timeline, other: Timeline, moment: Moment) -> bool:
    return bool(
        _changed(timeline, other, moment) or handed_out(timeline, moment) is not None or _raised(timeline, moment)
    )


def _extra(wrong: Timeline, right: Timeline, moment: Moment, counterpart: Moment) -> Divergence:
    """A statement that the fix does not have, and what it does there."""
    if _raised(wrong, moment):
        return Divergence("raise", moment, counterpart)
    names = _changed(wrong, right, moment)
    return Divergence("state" if names else "path", moment, counterpart, names)
