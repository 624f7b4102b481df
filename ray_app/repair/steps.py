"""One step of a run in words: what the wrong step does, and what its counterpart in a correct run does.

Every sentence is in the words of the claim grammar, so that the verifier can hold it against that very step.
"""

import ast
import random

from ray_app.monologue.failure import reason
from ray_app.monologue.finding import stores
from ray_app.monologue.phrase import change, is_tellable, listed, truth, working
from ray_app.monologue.telling import spelled
from ray_app.monologue.timeline import Moment, Timeline
from ray_app.repair.divergence import Divergence, handed_out


def wrong_step(timeline: Timeline, found: Divergence, rng: random.Random) -> str:
    """The step of the buggy run where it goes wrong, with its place; "" where it cannot be told."""
    words = _did(timeline, found, rng)
    place = _place(timeline, found.wrong)
    return f"{place}{words[0].upper() + words[1:] if place.endswith('] ') else words}." if words else ""


def correct_step(timeline: Timeline, found: Divergence, rng: random.Random) -> str:
    """What the correct run does at the same point; "" where it cannot be told."""
    guards = [timeline.source.branches.get(guard.line) for guard in found.guards]
    tests = [branch.test for branch in guards if branch is not None]
    case = truth(rng, timeline, found.guards[-1], tests[-1]) if tests and guards[-1] is not None else ""
    told = "" if case and found.right is found.guards[-1] else _should(timeline, found)
    words = ", and then ".join(part for part in (case, told) if part)
    return f"here {words}." if words else ""


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
            return _went(timeline, moment, rng)


def _should(timeline: Timeline, found: Divergence) -> str:
    moment = found.right
    match found.kind:
        case "test":
            return _rounds(timeline, moment) or f"the test is {moment.outcome}"
        case "call":
            return _called(timeline, moment)
        case _:
            return _outcome(timeline, moment, found.names)


def _outcome(timeline: Timeline, moment: Moment, names: tuple[str, ...]) -> str:
    """What a step of the correct run leaves behind: a returned value, an exception, values, another round."""
    value = handed_out(timeline, moment)
    if value is not None:
        return f"{_whose(moment)} {value}" if is_tellable(value) else ""
    statement = timeline.source.statements.get(moment.line)
    if isinstance(statement, (ast.Break, ast.Continue)):
        return "the loop is left" if isinstance(statement, ast.Break) else "the rest of this round is left out"
    told = _raised(timeline, moment) or _states(timeline, moment, names) or _rounds(timeline, moment)
    return told or (f"the test is {moment.outcome}" if moment.outcome is not None else "")


def _states(timeline: Timeline, moment: Moment, names: tuple[str, ...]) -> str:
    """The values of the named variables after a step, else of those that it sets."""
    after, changed = moment.after(), [c.name for c in moment.changes]
    own = names or changed or [name for name in after if stores(timeline, moment, name)]
    told = [
        f"`{name}` {'becomes' if name in changed else 'is'} {after[name]}"
        for name in own
        if is_tellable(after.get(name))
    ]
    return listed(told[:2]) if told else ""


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
        return f"{told} and the loop {'goes on' if moment.outcome else 'ends'}"
    return _rounds(timeline, moment)


def _rounds(timeline: Timeline, moment: Moment) -> str:
    """What the header of a `for` loop does: another round, or the end after so many; "" for other statements."""
    loop = timeline.source.loops.get(moment.line)
    if loop is None or loop.kind != "for":
        return ""
    bound = [f"`{name}` becomes {value}" for name in loop.targets if is_tellable(value := moment.after().get(name))]
    if moment.outcome:
        return f"the loop goes on and {listed(bound)}" if bound else ""
    runs = [r for r in timeline.runs if r.line == moment.line and r.frame == moment.frame and r.start <= moment.start]
    count = len(runs[-1].spans) if runs else 0
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


def _went(timeline: Timeline, moment: Moment, rng: random.Random) -> str:
    """What a step did and where the run went from there."""
    if handed_out(timeline, moment) is not None:
        return _returned(timeline, moment)
    branch = timeline.source.branches.get(moment.line)
    tellable = [c.name for c in moment.changes if is_tellable(c.value)][:1]
    told = truth(rng, timeline, moment, branch.test) if branch else change(rng, timeline, moment, tellable)
    following = f"the run goes on to L{moment.following.line}" if moment.following is not None else ""
    return " and ".join(part for part in (told, following) if part)
