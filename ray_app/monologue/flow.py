"""Checks of what is said about the way: lines, branches, loops, calls, returns and exceptions."""

import ast
import re

from ray_app.monologue.answer import kind_of
from ray_app.monologue.claim import Claim
from ray_app.monologue.finding import Finding, child_frames, equal, matches_call, place, run_around
from ray_app.monologue.quotes import quotes
from ray_app.monologue.timeline import Moment, Timeline


def check_line(_timeline: Timeline, _claim: Claim, moment: Moment) -> Finding:
    """The line runs: the moment is there."""
    return Finding(True, f"{place(moment)} runs")


def check_code(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """A piece of code stands on the line."""
    if quotes(timeline.source.code, claim.subject, moment.line):
        return Finding(True, f"L{moment.line}: {timeline.source.text(moment.line)}")
    spelled = re.search(r"\[(?:\d+|'[^']*')\]$", claim.subject)
    if not spelled and quotes(timeline.source.code, claim.subject, 0):
        return Finding(False, f"this code is not on L{moment.line}: {timeline.source.text(moment.line)}")
    return Finding(None, "not code of the program")


def check_branch(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """A test came out, or a branch was taken, as said."""
    outcome = moment.outcome
    loop = timeline.source.loops.get(moment.line)
    if loop is not None and loop.kind == "for":
        return Finding(False, f"{place(moment)} tests nothing")
    if outcome is None:
        around = [
            branch
            for branch in timeline.source.branches.values()
            if branch.body[0] <= moment.line <= branch.body[1] or branch.orelse[0] <= moment.line <= branch.orelse[1]
        ]
        if not around or claim.how != "taken":
            return Finding(False, f"{place(moment)} is no branch")
        inner = max(around, key=lambda branch: branch.line)
        outcome = inner.body[0] <= moment.line <= inner.body[1]
    return Finding(str(outcome) == claim.value, f"the test at {place(moment)} is {outcome}")


def check_skip(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """A line is passed over after the statement."""
    target, following = int(claim.subject), moment.following
    if following is not None and following.line == target:
        return Finding(False, f"after {place(moment)} comes L{target}")
    branch, loop = timeline.source.branches.get(moment.line), timeline.source.loops.get(moment.line)
    if branch is not None and moment.outcome is not None:
        low, high = branch.orelse if moment.outcome else branch.body
        return Finding(low <= target <= high, f"the test at {place(moment)} is {moment.outcome}")
    if loop is not None and moment.outcome is False:
        return Finding(loop.line < target <= loop.body_end, f"the loop at {place(moment)} does not go on")
    statement = timeline.source.statements.get(moment.line)
    leaving = isinstance(statement, (ast.Break, ast.Continue, ast.Return, ast.Raise))
    return Finding(leaving and target > moment.line, f"{place(moment)}: {timeline.source.text(moment.line)}")


def check_next(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """A line comes right after the statement."""
    following = moment.following
    statement = timeline.source.statements.get(int(claim.subject))
    target = statement.lineno if statement is not None else int(claim.subject)
    return Finding(
        following is not None and following.line == target,
        f"after {place(moment)} comes {place(following) if following else 'the end'}",
    )


def check_count(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """The loop around runs so many times."""
    line = int(claim.subject) if claim.subject else 0
    statement = timeline.source.statements.get(moment.line)
    leaves = isinstance(statement, (ast.Break, ast.Return)) and timeline.source.loop_of(moment.line) is not None
    if claim.line and not line and not leaves and not isinstance(statement, (ast.For, ast.While)):
        return Finding(False, f"L{moment.line} is no loop: {timeline.source.text(moment.line)}")
    run = run_around(timeline, moment, line or (claim.line if claim.line in timeline.source.loops else 0))
    if run is None:
        return Finding(False, f"no loop around {place(moment)}")
    return Finding(str(len(run.spans)) == claim.value, f"the loop on L{run.line} runs {len(run.spans)} times")


def check_iteration(_timeline: Timeline, _claim: Claim, moment: Moment) -> Finding:
    """The iteration exists: the moment is in it."""
    return Finding(True, f"iterations {moment.iterations}")


def check_call(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """A function of the program is called, or starts, here."""
    called = list(child_frames(timeline, moment))
    if any(matches_call(timeline, claim.subject, frame, moment.before) for frame in called):
        return Finding(True, f"{place(moment)} calls {claim.subject}")
    own = timeline.frames[moment.frame]
    if (
        (claim.how == "starts" or not claim.line)
        and moment.index == own.moments[0].index
        and matches_call(timeline, claim.subject, own, {})
    ):
        return Finding(True, f"{own.function} starts")
    entry = timeline.frames[0]
    if moment.frame == 0 and not claim.line and matches_call(timeline, claim.subject, entry, {}):
        return Finding(True, "the entry call")
    name = claim.subject.split("(")[0].split(".")[-1]
    if name not in {function.split(".")[-1] for function in timeline.source.functions}:
        return Finding(None, "not a function of the program")
    shown = ", ".join(f"{frame.function}({frame.arguments})" for frame in called) or "no function of the program"
    return Finding(False, f"{place(moment)} calls {shown}")


def check_return(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """A call returns a value."""
    entry = timeline.frames[0]
    if claim.how == "final":
        return Finding(
            entry.returned is not None and equal(entry.returned, claim.value), f"the call returns {entry.returned}"
        )
    if claim.how == "of":
        ended = [frame for frame in child_frames(timeline, moment) if frame.function.split(".")[-1] == claim.subject]
        if moment.frame == 0 and moment.following is None and entry.function.split(".")[-1] == claim.subject:
            ended.append(entry)
        returned = [frame.returned for frame in ended]
        return Finding(
            any(v is not None and equal(v, claim.value) for v in returned), f"{claim.subject} returns {returned}"
        )
    frame = timeline.frames[moment.frame]
    if moment.end != frame.end or frame.returned is None:
        event = timeline.closing(moment)
        if event is not None and event.kind == "yield" and event.value is not None:
            return Finding(equal(event.value, claim.value), f"{place(moment)} yields {event.value}")
        return Finding(False, f"{place(moment)} does not return")
    return Finding(equal(frame.returned, claim.value), f"{frame.function} returns {frame.returned} at {place(moment)}")


def check_exception(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """An exception is raised here, or leaves a call."""
    if claim.how == "leaves":
        return _leaves(timeline, claim, moment)
    events = timeline.trace.events[moment.start : moment.end + 1]
    raised = [event.value or "" for event in events if event.kind == "exception" and event.frame == moment.frame]
    hit = any(_is_kind(claim.subject, value) for value in raised)
    return Finding(hit, f"{place(moment)} raises {', '.join(raised) or 'nothing'}")


def _leaves(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """An exception ends the moment's own call, or the call that the claim spells."""
    if not claim.value:
        frame = timeline.frames[moment.frame]
        last = moment is frame.moments[-1]
        shown = f"{frame.function} ends with {frame.raised or 'a value'}" if last else f"{place(moment)} ends no call"
        return Finding(last and _is_kind(claim.subject, frame.raised), shown)
    called = [
        frame for frame in child_frames(timeline, moment) if matches_call(timeline, claim.value, frame, moment.before)
    ]
    if moment.frame == 0 and matches_call(timeline, claim.value, timeline.frames[0], {}):
        called.append(timeline.frames[0])
    shown = ", ".join(f"{frame.function} ends with {frame.raised or 'a value'}" for frame in called)
    return Finding(
        any(_is_kind(claim.subject, frame.raised) for frame in called), shown or f"{place(moment)} makes no such call"
    )


def _is_kind(wanted: str, exception: str | None) -> bool:
    return exception is not None and kind_of(exception).lower() == wanted.lower()
