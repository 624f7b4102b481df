"""A run that is too long to be told whole (endless, too deep, or cut by the tracer): the steps around the wrong one."""

import ast
import random

from ray_app.monologue.phrase import change, is_tellable, listed, truth
from ray_app.monologue.source import is_inner
from ray_app.monologue.telling import spelled
from ray_app.monologue.timeline import Frame, Moment, Timeline

CUT = "That is where the telling stops; the run goes on."


def excerpt(timeline: Timeline, wrong: Moment, rng: random.Random, before: int, after: int) -> str:
    """So many steps before the wrong one and from it on, in the order in which they begin; CUT ends the text."""
    moments = [moment for moment in timeline.moments if not is_inner(moment.function)]
    at = moments.index(wrong)
    first = max(0, at - before)
    children: dict[int, list[Frame]] = {}
    for frame in timeline.frames.values():
        if frame.parent is not None and not is_inner(frame.function):
            children.setdefault(frame.parent.index, []).append(frame)
    told = [
        line
        for moment in moments[first : at + after]
        if (line := _step(timeline, moment, children.get(moment.index, []), rng))
    ]
    begins = "The run begins like this." if first == 0 else "The run comes to these steps."
    again = _again(timeline, moments[first : at + after])
    return "\n".join([begins, *told, *again, CUT])


def _step(timeline: Timeline, moment: Moment, called: list[Frame], rng: random.Random) -> str:
    if called:
        calls = [f"`{call}`" for frame in called[:1] if (call := spelled(timeline, frame))]
        return f"[L{moment.line}] This calls {listed(calls)}." if calls else ""
    branch, loop = timeline.source.branches.get(moment.line), timeline.source.loops.get(moment.line)
    test = branch.test if branch else (loop.subject if loop and loop.kind == "while" and not loop.endless else "")
    if test:
        words = truth(rng, timeline, moment, test)
    elif isinstance(timeline.source.statements.get(moment.line), ast.Return):
        words = f"this call returns {value}" if is_tellable(value := timeline.frames[moment.frame].returned) else ""
    else:
        words = change(rng, timeline, moment, [c.name for c in moment.changes if is_tellable(c.value)])
    return f"[L{moment.line}] {words[0].upper()}{words[1:]}." if words else ""


def _again(timeline: Timeline, moments: list[Moment]) -> list[str]:
    """That a loop's test is met again in the very state in which it was met before, so that nothing can change."""
    seen: list[tuple[int, int, dict[str, str]]] = []
    for moment in moments:
        state = moment.frame, moment.line, moment.before
        if moment.line in timeline.source.loops and state in seen:
            return [f"At L{moment.line} all variables are as they were the time before, so this loop never ends."]
        seen.append(state)
    return []
