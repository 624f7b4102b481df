"""The verdict on anyone's text about a call, which is recorded for it."""

import functools

from ray_app.records import Direction
from ray_app.sandbox.api import execute
from ray_app.semantics.api import Recording, record
from ray_app.semantics.fitness import unfit
from ray_app.semantics.record import Run
from ray_app.verification.backward import verify_backward
from ray_app.verification.judge import verify_forward
from ray_app.verification.verdict import Verdict


@functools.lru_cache(maxsize=64)
def recorded(code: str, call: str) -> Recording:
    """The recording of a call; those of the last calls are kept, since several texts may be about one."""
    return record(code, call)


def recorded_run(code: str, call: str) -> Run | None:
    """The record of a call where it can be had."""
    return recorded(code, call).run


def judge(code: str, call: str, direction: Direction, text: str) -> Verdict:
    """The verdict on a text about what a call does (forward), or about what gives its output (backward)."""
    recording = recorded(code, call)
    reason = recording.reason or unfit(code, recording.execution, raising=direction == "forward")
    if reason or recording.run is None:
        return Verdict(False, reason)
    if direction == "forward":
        return verify_forward(recording.run, text)
    return verify_backward(recording.run, text, record=recorded_run, execute=execute)
