"""One step of a run in words: what the wrong step does, and what its counterpart in a correct run does.

Every sentence is in the words of the claim grammar, so that the verifier can hold it against that very step.
"""

import ast
import random
from collections.abc import Sequence

from ray_app.monologue.failure import reason
from ray_app.monologue.finding import stores
from ray_app.monologue.phrase import change, is_tellable, listed, truth, working
from ray_app.monologue.spelling import spelled
from ray_app.monologue.timeline import Moment, Timeline
from ray_app.repair.divergence import Divergence, handed_out

_LONG = 120


def wrong_step(timeline: Timeline, found: Divergence, rng: random.Random) -> str:
    """The step of the buggy run where it goes wrong, with its place; "" where it cannot be told."""
    words = _did(timeline, found, rng)
    place = _place(timeline, found.wrong)
    return f"{place}{words[0].upper() + words[1:] if place.endswith('] ') else words}." if words else ""


def correct_step(timeline: Timeline, found: Divergence, rng: random.Random) -> str:
    """What the correct run does at the same point; "" where it cannot be told."""
    guard = deciding_guard(timeline, found)
    branch = timeline.source.branches.get(guard.line) if guard is not None else None
    case = truth(rng, timeline, guard, branch.test) if guard is not None and branch is not None else ""
    told = "" if case and found.right is guard else _should(timeline, found, rng)
    words = ", and then ".join(part for part in (case, told) if part)
    return f"here {words}." if words else ""


def deciding_guard(timeline: Timeline, found: Divergence) -> Moment | None:
    """The last test that led to the counterpart of the wrong step, of those that only the fix has."""
    tests = [guard for guard in found.guards if guard.line in timeline.source.branches]
    return tests[-1] if tests else None


def _did(timeline: Timeline, found: Divergence, rng: random.Random) -> str:
    moment = found.wrong
    match found.kind:
        case "state":
            return change(rng, timeline, moment, found.names) or _states(timeline, moment, found.names)
        case "test":
            return _tested(timeline, moment, rng)
        case "return":
            return _returned(timeline, moment) or _went(timeline, moment, rng)
        case "raise":
            return _raised(timeline, moment) or _states(timeline, moment, ())
        case "call":
            return _called(timeline, moment)
        case "path":
            told = _went(timeline, moment, rng, follows=not found.early)
            return f"this line runs at once, and {told}" if found.early and told else told


def _should(timeline: Timeline, found: Divergence, rng: random.Random) -> str:
    moment = found.right
    match found.kind:
        case "test":
            return _tested(timeline, moment, rng)
        case "call":
            return _called(timeline, moment)
        case _:
            return _outcome(timeline, moment, found.names, rng)


def _outcome(timeline: Timeline, moment: Moment, names: tuple[str, ...], rng: random.Random) -> str:
    """What a step of the correct run leaves behind: a returned value, an exception, values, another round."""
    if handed_out(timeline, moment) is not None:
        return _returned(timeline, moment)
    statement = timeline.source.statements.get(moment.line)
    if isinstance(statement, ast.Break) and moment.iterations:
        number = moment.iterations[-1][1]
        return f"the loop is left after {number} iteration{'' if number == 1 else 's'}"
    if isinstance(statement, ast.Continue):
        return "the rest of this round is left out"
    told = _raised(timeline, moment) or _states(timeline, moment, names)
    if not told and isinstance(statement, ast.Expr):
        return working(timeline, statement.value, moment.before)
    return told or (_tested(timeline, moment, rng) if moment.outcome is not None else "")


def _states(timeline: Timeline, moment: Moment, names: tuple[str, ...]) -> str:
    """The values of the named variables after a step, else of those that it sets."""
    after, changed = moment.after(), [c.name for c in moment.changes]
    own = names or changed or [name for name in after if stores(timeline, moment, name)]
    told = [
        f"`{name}` {'becomes' if name in changed else 'is'} {after[name]}"
        for name in own
        if is_tellable(after.get(name))
    ]
    work = _work(timeline, moment, own) if told else ""
    return f"{work}{', so ' if work else ''}{listed(told[:2])}" if told else ""


def _work(timeline: Timeline, moment: Moment, names: Sequence[str]) -> str:
    """How the value that a step assigns comes about."""
    statement = timeline.source.statements.get(moment.line)
    if not isinstance(statement, ast.Assign) or [ast.unparse(target) for target in statement.targets] != list(names):
        return ""
    work = working(timeline, statement.value, moment.before)
    return work if len(work) <= _LONG else ""


# Where a step is


def _place(timeline: Timeline, moment: Moment) -> str:
    """Its call, its line, its iterations."""
    call = spelled(timeline, timeline.frames[moment.frame]) if moment.frame else ""
    inside = f"This happens in the call `{call}`.\n" if call else ""
    return f"{inside}[L{moment.line}] {_round(timeline, moment)}"


def _round(timeline: Timeline, moment: Moment) -> str:
    """The iterations that a moment lies in: "In iteration 2 of the loop on L3: "."""
    if not moment.iterations:
        return ""
    if len(timeline.source.loops) == 1 and len(timeline.frames) == 1:
        return f"In iteration {moment.iterations[0][1]}: "
    named = [f"iteration {number} of the loop on L{line}" for line, number in moment.iterations]
    return f"In {', in '.join(named)}: "


# What kinds of steps do


def _tested(timeline: Timeline, moment: Moment, rng: random.Random) -> str:
    loop, branch = timeline.source.loops.get(moment.line), timeline.source.branches.get(moment.line)
    if branch is not None:
        return truth(rng, timeline, moment, branch.test) or f"the test is {moment.outcome}"
    if loop is not None and loop.kind == "while":
        told = truth(rng, timeline, moment, loop.subject) or f"the test is {moment.outcome}"
        return f"{told}, {'and' if ', so ' in told else 'so'} the loop {_begins(moment) if moment.outcome else 'ends'}"
    return rounds(timeline, moment, counted=True)


def _header(timeline: Timeline, moment: Moment, rng: random.Random) -> str:
    """What a loop's header does, in words that another half-sentence may follow."""
    loop = timeline.source.loops.get(moment.line)
    if loop is not None and loop.kind == "while":
        return truth(rng, timeline, moment, loop.subject)
    return rounds(timeline, moment)


def _begins(moment: Moment) -> str:
    return "starts" if moment.iterations and moment.iterations[-1] == (moment.line, 1) else "goes on"


def rounds(timeline: Timeline, moment: Moment, counted: bool = False) -> str:
    """What the header of a `for` loop does: another round, or the end after so many; "" for other statements.

    `counted`: of the first round, tell how many there will be.
    """
    loop = timeline.source.loops.get(moment.line)
    if loop is None or loop.kind != "for" or moment.outcome is None:
        return ""
    bound = [f"`{name}` becomes {value}" for name in loop.targets if is_tellable(value := moment.after().get(name))]
    runs = [r for r in timeline.runs if r.line == moment.line and r.frame == moment.frame and r.start <= moment.start]
    count = len(runs[-1].spans) if runs else 0
    if moment.outcome and counted and bound and _begins(moment) == "starts" and not timeline.trace.truncated:
        times = "once" if count == 1 else f"{count} times"
        return f"the loop runs {times}, and {listed(bound)}{' to begin with' if count > 1 else ''}"
    if moment.outcome:
        return f"the loop {_begins(moment)}{',' if len(bound) > 1 else ''} and {listed(bound)}" if bound else ""
    if not count:
        return "the loop runs 0 times"
    return f"the loop ends after {count} iteration{'' if count == 1 else 's'}"


def _whose(moment: Moment) -> str:
    return "the function returns" if moment.frame == 0 else "this call returns"


def _returned(timeline: Timeline, moment: Moment) -> str:
    value = handed_out(timeline, moment)
    if not is_tellable(value):
        return ""
    statement = timeline.source.statements.get(moment.line)
    expression = statement.value if isinstance(statement, ast.Return) else None
    work = working(timeline, expression, moment.before) if expression is not None else ""
    return f"{work}, so {_whose(moment)} {value}" if work else f"{_whose(moment)} {value}"


def _raised(timeline: Timeline, moment: Moment) -> str:
    event = timeline.closing(moment)
    if event is None or event.kind != "exception":
        return ""
    kind, _, message = (event.value or "").partition(": ")
    given = reason(timeline, moment, kind, message)
    return f"{given}, and this raises `{kind}`" if given else f"this raises `{kind}`"


def _called(timeline: Timeline, moment: Moment) -> str:
    calls = [spelled(timeline, frame) for frame in timeline.frames.values() if frame.parent is moment]
    return f"this calls `{calls[-1]}`" if calls and calls[-1] else ""


def _went(timeline: Timeline, moment: Moment, rng: random.Random, follows: bool = True) -> str:
    """What a step did and, where that is what is wrong, how the run went on from there."""
    if raised := _raised(timeline, moment):
        return raised
    if handed_out(timeline, moment) is not None:
        return _returned(timeline, moment)
    branch = timeline.source.branches.get(moment.line)
    tellable = [c.name for c in moment.changes if is_tellable(c.value)][:1]
    if branch is not None:
        told = truth(rng, timeline, moment, branch.test)
    elif moment.outcome is not None:
        told = _header(timeline, moment, rng)
    else:
        told = change(rng, timeline, moment, tellable)
    if not follows:
        return told
    goes_on = f"the run goes on to L{moment.following.line}" if moment.following else f"{_whose(moment)} None"
    return f"{told}; this is right so far, but then {goes_on}" if told else f"from here {goes_on}"
