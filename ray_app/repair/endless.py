"""A run that is too long to be told whole (endless, too deep, or cut by the tracer): the steps around the wrong one."""

import ast
import random

from ray_app.monologue.phrase import change, is_tellable, truth
from ray_app.monologue.source import is_inner
from ray_app.monologue.spelling import spelled
from ray_app.monologue.timeline import Frame, Moment, Timeline
from ray_app.repair.steps import rounds

CUT = "That is where the telling stops; the run goes on."


def excerpt(timeline: Timeline, wrong: Moment, rng: random.Random, before: int, after: int) -> str:
    """So many steps before the wrong one and from it on, in the order of time; CUT ends the text."""
    moments = [moment for moment in timeline.moments if not is_inner(moment.function)]
    at = moments.index(wrong)
    shown = moments[max(0, at - before) : at + after]
    begins = "The run begins like this." if at <= before else "The run comes to these steps."
    return "\n".join([begins, *_steps(timeline, shown, rng), *_again(timeline, shown), CUT])


def _steps(timeline: Timeline, shown: list[Moment], rng: random.Random) -> list[str]:
    """The statements in the order of time: one that calls is told when it is done, its calls where they begin."""
    calling = {frame.parent.index for frame in timeline.frames.values() if _is_told(frame) and frame.parent is not None}
    timed: list[tuple[int, int, str]] = []
    for moment in shown:
        frame = timeline.frames[moment.frame]
        if moment is frame.moments[0] and frame.parent is not None and (call := spelled(timeline, frame)):
            timed.append((frame.call, 1, f"[L{frame.parent.line}] This calls `{call}`."))
        if moment.index not in calling:
            timed.append((moment.start, 2, _line(moment, "", _words(timeline, moment, rng))))
    first, last = shown[0].start, shown[-1].end
    for moment in timeline.moments:
        if moment.index in calling and moment.start <= last and first < moment.end <= last:
            timed.append((moment.end, 0, _line(moment, "back here, ", _words(timeline, moment, rng))))
    return [line for *_, line in sorted(timed, key=lambda item: item[:2]) if line]


def _is_told(frame: Frame) -> bool:
    return bool(frame.moments) and not is_inner(frame.function)


def _line(moment: Moment, lead: str, words: str) -> str:
    told = f"{lead}{words}" if words else ""
    return f"[L{moment.line}] {told[0].upper()}{told[1:]}." if told else ""


def _words(timeline: Timeline, moment: Moment, rng: random.Random) -> str:
    branch, loop = timeline.source.branches.get(moment.line), timeline.source.loops.get(moment.line)
    test = branch.test if branch else (loop.subject if loop and loop.kind == "while" and not loop.endless else "")
    if test:
        return truth(rng, timeline, moment, test)
    if isinstance(timeline.source.statements.get(moment.line), ast.Return):
        return f"this call returns {value}" if is_tellable(value := timeline.frames[moment.frame].returned) else ""
    told = change(rng, timeline, moment, [c.name for c in moment.changes if is_tellable(c.value)])
    return told or rounds(timeline, moment)


def _again(timeline: Timeline, moments: list[Moment]) -> list[str]:
    """That a loop's test is met again in the very state in which it was met before, so that nothing can change."""
    seen: list[tuple[int, int, dict[str, str]]] = []
    for moment in moments:
        state = moment.frame, moment.line, moment.before
        if moment.line in timeline.source.loops and state in seen:
            return [f"At L{moment.line} all variables are as they were the time before, so this loop never ends."]
        seen.append(state)
    return []
