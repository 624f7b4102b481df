"""Moving through a recorded run: into a call, over it, out of it, forwards and back."""

from collections.abc import Callable
from typing import Literal

from ray_app.errors import InputError
from ray_app.semantics.record import Run, Step

Move = Literal["into", "over", "out", "back"]


def move(run: Run, number: int, how: Move) -> Step | None:
    """The step that one gets to from the step of this number; None where the run ends there.

    into  the first step of a function that the step calls, else as over
    over  the next step of the same frame, else as out
    out   the next step of the caller's frame after the one that made the call
    back  the step that began before, in whatever frame
    """
    return _MOVES[how](run, at(run, number))


def at(run: Run, number: int) -> Step:
    """The step of this number. InputError where the run has none."""
    if not 0 <= number < len(run.steps):
        raise InputError(f"no step {number}: {run.call} has steps 0 to {len(run.steps) - 1}")
    return run.steps[number]


def place(run: Run, line: int, visit: int) -> Step:
    """The step that began on the line for the visit-th time in the whole run. InputError where there is none."""
    found = [step for step in run.steps if step.line == line]
    if not 1 <= visit <= len(found):
        ran = f"{len(found)} step(s) begin on it" if found else "nothing that runs in this call begins on it"
        raise InputError(f"line {line}, visit {visit}: {ran}")
    return found[visit - 1]


def _into(run: Run, step: Step) -> Step | None:
    for frame in run.callees(step):
        if frame.steps:
            return run.steps[frame.steps[0]]
    return _over(run, step)


def _over(run: Run, step: Step) -> Step | None:
    return run.next_in_frame(step) or _out(run, step)


def _out(run: Run, step: Step) -> Step | None:
    caller = run.frame_of(step).caller
    return None if caller is None else _over(run, run.steps[caller])


def _back(run: Run, step: Step) -> Step | None:
    return run.steps[step.index - 1] if step.index else None


_MOVES: dict[Move, Callable[[Run, Step], Step | None]] = {"into": _into, "over": _over, "out": _out, "back": _back}
