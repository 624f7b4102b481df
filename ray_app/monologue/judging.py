"""The verdict on anyone's text about a call, which is recorded for it."""

import functools
import re

from ray_app.monologue.backward.narrate import Narration, narrate
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


def narrated_backward(run: Run, *, seed: int, max_tokens: int) -> tuple[Narration, Verdict]:
    """A backward text about a run, with its verdict. A constraint that the verifier breaks, on inputs that the
    narrator had not tried, is left out, and the text is written again."""
    without = frozenset[str]()
    told, verdict = _attempt(run, seed, max_tokens, without)
    for _ in range(_RETRIES):
        broken = _broken(verdict)
        if not broken:
            break
        without |= broken
        told, verdict = _attempt(run, seed, max_tokens, without)
    return told, verdict


def _attempt(run: Run, seed: int, max_tokens: int, without: frozenset[str]) -> tuple[Narration, Verdict]:
    told = narrate(run, seed=seed, max_tokens=max_tokens, record=recorded_run, execute=execute, without=without)
    if told.reason:
        return told, Verdict(False, told.reason)
    return told, verify_backward(run, told.text, record=recorded_run, execute=execute)


def _broken(verdict: Verdict) -> frozenset[str]:
    """The predicates of a text that are false."""
    texts = [claim.text for claim in verdict.claims if claim.kind == "constraint" and claim.verdict == "false"]
    return frozenset(found[1] for text in texts if (found := _PREDICATE.search(text)))


_RETRIES = 2
_PREDICATE = re.compile(r"`([^`\n]+)`")


def judge(code: str, call: str, direction: Direction, text: str) -> Verdict:
    """The verdict on a text about what a call does (forward), or about what gives its output (backward)."""
    recording = recorded(code, call)
    reason = recording.reason or unfit(code, recording.execution, raising=direction == "forward")
    if reason or recording.run is None:
        return Verdict(False, reason)
    if direction == "forward":
        return verify_forward(recording.run, text)
    return verify_backward(recording.run, text, record=recorded_run, execute=execute)
