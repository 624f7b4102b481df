"""A run that never ends, told as far as it takes to see why."""

import ast
import random

from ray_app.monologue.phrase import change, is_tellable, truth
from ray_app.monologue.timeline import Moment, Timeline

_STEPS = 16


def circle(timeline: Timeline, wrong: Moment, rng: random.Random) -> str:
    """The steps of the entry call around the wrong one; the recorded part of the run goes on after them."""
    moments = [m for m in timeline.moments if m.frame == wrong.frame]
    at = moments.index(wrong)
    first = max(0, at - _STEPS // 2)
    told = [line for m in moments[first : first + _STEPS] if (line := _step(timeline, m, rng))]
    return "\n".join(["These steps come first.", *told, "The run goes on like this and is stopped."])


def _step(timeline: Timeline, moment: Moment, rng: random.Random) -> str:
    branch, loop = timeline.source.branches.get(moment.line), timeline.source.loops.get(moment.line)
    test = branch.test if branch else (loop.subject if loop and loop.kind == "while" and not loop.endless else "")
    if test:
        words = truth(rng, timeline, moment, test)
    elif isinstance(timeline.source.statements.get(moment.line), ast.Return):
        words = ""
    else:
        words = change(rng, timeline, moment, [c.name for c in moment.changes if is_tellable(c.value)])
    return f"[L{moment.line}] {words}." if words else ""
