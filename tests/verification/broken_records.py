"""The narrator broken in twenty ways: it narrates a record with one thing wrong in it, while the verifier holds the
true one.

That a text became false is known without the verifier: it differs from the true narration of the true record in what it
states, not only in what it leaves out.
"""

import random
import re
from collections.abc import Callable
from dataclasses import replace

from ray_app.semantics.record import Change, Evaluation, Frame, Run, Step

Break = Callable[[Run, random.Random], Run | None]


def other_value(text: str) -> str:
    """A value of the same kind that is not this one."""
    if text in ("True", "False"):
        return "False" if text == "True" else "True"
    if re.fullmatch(r"-?\d+", text):
        return str(int(text) + 1)
    if text.startswith("'"):
        return "'zq'" if text != "'zq'" else "'qz'"
    return text[:-1] + ", 7]" if text.startswith("[") and text != "[]" else "[7]"


def _with_step(run: Run, step: Step) -> Run:
    return replace(run, steps=(*run.steps[: step.index], step, *run.steps[step.index + 1 :]))


def _with_evaluation(run: Run, made: Evaluation) -> Run:
    return replace(run, evaluations=(*run.evaluations[: made.index], made, *run.evaluations[made.index + 1 :]))


def _with_frame(run: Run, frame: Frame) -> Run:
    return replace(run, frames=(*run.frames[: frame.serial], frame, *run.frames[frame.serial + 1 :]))


def _change(run: Run, rng: random.Random, make: Callable[[Step, Change], Change | None]) -> Run | None:
    """One change of one step made anew."""
    found = [(step, at) for step in run.steps for at, change in enumerate(step.changes) if change.after is not None]
    rng.shuffle(found)
    for step, at in found:
        made = make(step, step.changes[at])
        if made is not None and made != step.changes[at]:
            return _with_step(run, replace(step, changes=(*step.changes[:at], made, *step.changes[at + 1 :])))
    return None


def wrong_change(run: Run, rng: random.Random) -> Run | None:
    return _change(run, rng, lambda _, change: replace(change, after=other_value(change.after or "")))


def stale_change(run: Run, rng: random.Random) -> Run | None:
    return _change(run, rng, lambda _, change: replace(change, after=change.before) if change.before else None)


def change_of_another_visit(run: Run, rng: random.Random) -> Run | None:
    def make(step: Step, change: Change) -> Change | None:
        others = [
            one.after
            for other in run.steps_of(step.node)
            for one in other.changes
            if one.name == change.name and one.after not in (None, change.after)
        ]
        return replace(change, after=rng.choice(others)) if others else None

    return _change(run, rng, make)


def change_of_another_name(run: Run, rng: random.Random) -> Run | None:
    names = sorted({change.name for step in run.steps for change in step.changes})
    return _change(run, rng, lambda _, change: replace(change, name=rng.choice(names)))


def wrong_evaluation(run: Run, rng: random.Random) -> Run | None:
    if not run.evaluations:
        return None
    made = rng.choice(run.evaluations)
    return _with_evaluation(run, replace(made, value=other_value(made.value)))


def evaluation_of_another_visit(run: Run, rng: random.Random) -> Run | None:
    found = [
        (one, other) for one in run.evaluations for other in run.evaluations_of(one.node) if other.value != one.value
    ]
    if not found:
        return None
    one, other = rng.choice(found)
    return _with_evaluation(run, replace(one, value=other.value))


def turned_test(run: Run, rng: random.Random) -> Run | None:
    found = [one for one in run.evaluations if one.truth is not None and one.value in ("True", "False")]
    if not found:
        return None
    one = rng.choice(found)
    return _with_evaluation(run, replace(one, value=other_value(one.value), truth=not one.truth))


def turned_outcome(run: Run, rng: random.Random) -> Run | None:
    found = [one for one in run.evaluations if one.truth is not None]
    if not found:
        return None
    one = rng.choice(found)
    return _with_evaluation(run, replace(one, truth=not one.truth))


def _iterations(run: Run, rng: random.Random, by: int) -> Run | None:
    found = [step for step in run.steps if step.kind in ("iteration", "comprehension") and step.loops]
    if not found:
        return None
    step = rng.choice(found)
    loop, number = step.loops[-1]
    return _with_step(run, replace(step, loops=(*step.loops[:-1], (loop, number + by))))


def iteration_too_high(run: Run, rng: random.Random) -> Run | None:
    return _iterations(run, rng, 1)


def iteration_too_low(run: Run, rng: random.Random) -> Run | None:
    return _iterations(run, rng, -1)


def wrong_item(run: Run, rng: random.Random) -> Run | None:
    found = [step for step in run.steps if step.bound]
    if not found:
        return None
    step = rng.choice(found)
    (name, value), *rest = step.bound
    return _with_step(run, replace(step, bound=((name, other_value(value)), *rest)))


def item_of_another_iteration(run: Run, rng: random.Random) -> Run | None:
    found = [
        (step, other)
        for step in run.steps
        if step.bound
        for other in run.steps_of(step.node)
        if other.bound and other.bound != step.bound
    ]
    if not found:
        return None
    step, other = rng.choice(found)
    return _with_step(run, replace(step, bound=other.bound))


def wrong_line(run: Run, rng: random.Random) -> Run | None:
    step = rng.choice(run.steps)
    lines = sorted({other.line for other in run.steps} - {step.line})
    return _with_step(run, replace(step, line=rng.choice(lines))) if lines else None


def wrong_argument(run: Run, rng: random.Random) -> Run | None:
    found = [frame for frame in run.frames if frame.arguments]
    if not found:
        return None
    frame = rng.choice(found)
    name = rng.choice(sorted(frame.arguments))
    return _with_frame(run, replace(frame, arguments={**frame.arguments, name: other_value(frame.arguments[name])}))


def wrong_return(run: Run, rng: random.Random) -> Run | None:
    found = [frame for frame in run.frames if frame.end == "return" and frame.value is not None]
    if not found:
        return None
    frame = rng.choice(found)
    return _with_frame(run, replace(frame, value=other_value(frame.value or "")))


def wrong_exception(run: Run, rng: random.Random) -> Run | None:
    found = [step for step in run.steps if step.raised]
    if not found:
        return None
    return _with_step(run, replace(rng.choice(found), raised="LookupError: no such thing"))


def wrong_output(run: Run, rng: random.Random) -> Run | None:
    return replace(run, output=other_value(run.output)) if run.output is not None else None


def wrong_state_before(run: Run, rng: random.Random) -> Run | None:
    found = [step for step in run.steps if step.before]
    if not found:
        return None
    step = rng.choice(found)
    name = rng.choice(sorted(step.before))
    return _with_step(run, replace(step, before={**step.before, name: other_value(step.before[name])}))


def swapped_changes(run: Run, rng: random.Random) -> Run | None:
    found = [
        (one, other)
        for one in run.steps
        for other in run.steps_of(one.node)
        if one.index < other.index and one.changes and other.changes and one.changes != other.changes
    ]
    if not found:
        return None
    one, other = rng.choice(found)
    return _with_step(_with_step(run, replace(one, changes=other.changes)), replace(other, changes=one.changes))


def wrong_alias(run: Run, rng: random.Random) -> Run | None:
    names = sorted({change.name for step in run.steps for change in step.changes})
    return _change(
        run, rng, lambda _, change: replace(change, aliases=(rng.choice(names),)) if change.after else None
    )  # fmt: skip


BROKEN: dict[str, Break] = {
    function.__name__.replace("_", " "): function
    for function in (
        *(wrong_change, stale_change, change_of_another_visit, change_of_another_name, wrong_evaluation),
        *(evaluation_of_another_visit, turned_test, turned_outcome, iteration_too_high, iteration_too_low, wrong_item),
        *(item_of_another_iteration, wrong_line, wrong_argument, wrong_return, wrong_exception, wrong_output),
        *(wrong_state_before, swapped_changes, wrong_alias),
    )
}


def states_otherwise(true: str, broken: str) -> bool:
    """Whether a text says something that the true one does not: it has a line that the other has not."""
    return not set(broken.splitlines()) <= set(true.splitlines())
