"""From a language model's words about a run to the text of a row: edited, in the form of training, accepted again."""

import re

from ray_app.claims.answer import read_answer, split
from ray_app.monologue.answer import final_answer, raised_answer
from ray_app.monologue.judging import recorded_run
from ray_app.records import Direction, Edit
from ray_app.sandbox.api import execute
from ray_app.semantics.record import Run
from ray_app.verification.backward import verify_backward
from ray_app.verification.edit import Edited, Unchecked, edit_backward, edit_forward
from ray_app.verification.judge import verify_forward
from ray_app.verification.verdict import Verdict

UNCHECKED = "unchecked claim"
"""the verifier's reason for a text told line by line of which some claim can neither be shown nor refuted"""
BETRAYS = "speaks of the facts it was given"
_BETRAYED = re.compile(
    r"\b(?:in|to|from|of|by) (?:the|this) record\b|\b(?:the|this) record (?:shows|says|states|tells|gives)\b"
    r"|\brecorded (?:facts|values|run|call)\b"
)


def finished(run: Run, text: str, direction: Direction, unchecked: Unchecked) -> Edited:
    """A teacher's text as a row holds it: edited, with its answer in the one form, and accepted again; or `reason`."""
    edited = _edited(run, text, direction, unchecked)
    if edited.reason == UNCHECKED:  # told line by line, where nothing may stay that is not known
        edited = _edited(run, text, direction, "cut")
    if edited.reason:
        return edited
    if _BETRAYED.search(edited.text.lower()):
        return _refused(edited.edits, edited.verdict, BETRAYS)
    put = in_form(run, edited.text, direction)
    if direction == "forward":
        verdict = verify_forward(run, put, execute=execute)
    else:
        verdict = verify_backward(run, put, record=recorded_run, execute=execute)
    return Edited(put, edited.edits, verdict, "") if verdict.accepted else _refused((), verdict, verdict.reason)


def _edited(run: Run, text: str, direction: Direction, unchecked: Unchecked) -> Edited:
    if direction == "forward":
        return edit_forward(run, text, unchecked=unchecked, execute=execute)
    return edit_backward(run, text, record=recorded_run, execute=execute, unchecked=unchecked)


def _refused(edits: tuple[Edit, ...], verdict: Verdict, reason: str) -> Edited:
    return Edited("", edits, verdict, reason)


def in_form(run: Run, text: str, direction: Direction) -> str:
    """An accepted text without the program that it copied, ending in its answer as training spells it."""
    body, answer = split(text)
    lines = [line.rstrip() for line in body.split("\n")]
    body = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if direction == "backward":
        stated, entry = read_answer(answer), run.frames[0].function
        called = stated.call if stated.call.startswith(f"{entry}(") else stated.value
        return f"{body}\n{final_answer(called, run.output or '')}"
    final = final_answer(run.call, run.output or "") if run.exception is None else ""
    return f"{body}\n{final or raised_answer(run.call, run.exception or '')}"
