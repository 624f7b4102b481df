"""Is what a text says about a run so? Verdicts without a language model, each with its evidence.

An accepted text says something that can be checked; no claim that was understood is refuted by the record; the
changes that
decide the result are stated; the answer is the recorded one. Not promised: that what was not understood is true. It is
"unchecked", and so is what is said about the program in general.
"""

from collections.abc import Collection

from ray_app import records
from ray_app.claims.claim import Reading
from ray_app.claims.read import LONGEST, read
from ray_app.programs.tries import Execute
from ray_app.semantics.record import Run
from ray_app.verification.align import Placed, align
from ray_app.verification.answers import answer_fault
from ray_app.verification.coverage import missing
from ray_app.verification.facts import Facts
from ray_app.verification.general import check_sentences
from ray_app.verification.verdict import Verdict, claim


def verify_forward(run: Run, text: str, *, execute: Execute | None = None) -> Verdict:
    """The verdict on an explanation of a run, from its call to its result. With `execute`, what it says about the
    program in general is tried on other inputs; else that stays unchecked."""
    if len(text) > LONGEST:
        return Verdict(False, "text is too long")
    reading = read(text, run.source)
    facts = Facts(run, is_strict(reading))
    placed = align(facts, reading.groups)
    reason, detail = _fault(facts, reading, placed)
    general = check_sentences(run, reading.statements, execute).values() if execute is not None else ()
    refuted = next((one for one in general if one.holds is False), None)
    if refuted is not None and not reason:
        reason, detail = "false claim", f"{refuted.text}: {refuted.evidence}"
    claims = (*_claims(text, reading, placed), *(one.recorded() for one in general))
    return Verdict(not reason, reason or "ok", claims, detail)


def judge_forward(run: Run, text: str) -> tuple[Reading, list[Placed]]:
    """What an explanation says, and what each claim in it turned out to be."""
    reading = read(text, run.source)
    return reading, align(Facts(run, is_strict(reading)), reading.groups)


def verify_part(run: Run, text: str, *, steps: Collection[int] | None = None) -> Verdict:
    """The verdict on a part of an explanation: its claims only, each placed at one of these steps (None: at any)."""
    reading = read(text, run.source)
    facts = Facts(run, is_strict(reading))
    placed = align(facts, reading.groups, steps)
    reason, detail = _false_claim(text, placed)
    if not reason and not any(item.finding.holds for item in placed):
        reason = "no claims"
    return Verdict(not reason, reason or "ok", _claims(text, reading, placed), detail)


SOLID = frozenset(["line", "iteration", "signature", "argument"])
"""Kinds that alone explain nothing."""


def _fault(facts: Facts, reading: Reading, placed: list[Placed]) -> tuple[str, str]:
    """What speaks against a text: a reason and its detail; ("", "") where nothing does."""
    reason, detail = _false_claim("", placed)
    if reason:
        return reason, detail
    unchecked = next((item for item in placed if item.finding.holds is None), None) if is_strict(reading) else None
    if unchecked is not None:
        return "unchecked claim", f"{unchecked.claim.kind} {unchecked.claim.subject or unchecked.claim.value}"
    true = [item for item in placed if item.finding.holds and item.claim.kind not in SOLID]
    if not true:
        return "no claims", ""
    are_results = [is_result(item) for item in true]
    if reading.answer:
        fault = answer_fault(facts.run, reading.answer)
        if fault:
            return fault, reading.answer
    elif not any(are_results):
        return "no final answer", ""
    if all(are_results):
        return "only the result", ""
    lacking = missing(facts, placed) if facts.strict else []
    return ("deciding change not stated", "; ".join(lacking[:4])) if lacking else ("", "")


def is_strict(reading: Reading) -> bool:
    """Whether a text tells one step a line: then everything that it says is about a step, and can be checked."""
    return any(group.strict for group in reading.groups)


def is_result(item: Placed) -> bool:
    """Whether a claim only says what the call gives."""
    return item.claim.kind in ("return", "raise", "leave") and (item.spot is None or item.spot.frame.serial == 0)


def _false_claim(text: str, placed: list[Placed]) -> tuple[str, str]:
    false = next((item for item in placed if item.finding.holds is False), None)
    if false is None:
        return "", ""
    return "false claim", f"{false.claim.kind} {false.claim.subject or false.claim.value}: {false.finding.evidence}"


def _claims(text: str, reading: Reading, placed: list[Placed]) -> tuple[records.Claim, ...]:
    return tuple(
        claim(text[slice(*item.span)], item.claim.kind, item.finding.holds, item.finding.evidence) for item in placed
    )
