"""A recorded run as one stream: steps that begin, evaluations that complete, and frames that are entered and left."""

from collections.abc import Iterator
from typing import TypeAlias

from ray_app.semantics.record import Crossing, Evaluation, Run, Step

Event: TypeAlias = Step | Evaluation | Crossing


def stream(run: Run) -> Iterator[Event]:
    """Everything that happened, in the order in which it happened.

    A crossing stands before the step and after the evaluations that it counts; an evaluation stands before the next
    step that begins.
    """
    evaluations, crossings = run.evaluations, run.crossings
    evaluated = crossed = 0
    for begun in range(len(run.steps) + 1):
        while True:
            if crossed < len(crossings) and (crossings[crossed].begun, crossings[crossed].evaluated) <= (
                begun,
                evaluated,
            ):
                yield crossings[crossed]
                crossed += 1
            elif evaluated < len(evaluations) and evaluations[evaluated].begun <= begun:
                yield evaluations[evaluated]
                evaluated += 1
            else:
                break
        if begun < len(run.steps):
            yield run.steps[begun]
