"""A verdict for people: every sentence with its colour, and under it what the record says."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import typer

from ray_app import records
from ray_app.verification.judge import judge_forward
from ray_app.verification.rows import Case
from ray_app.verification.verdict import Verdict

_MARKS = {"true": "+", "false": "-", "unchecked": "?"}
_HOLDS: dict[records.Truth, bool | None] = {"true": True, "false": False, "unchecked": None}
_COLOURS = {"true": "green", "false": "red", "unchecked": "yellow"}


@dataclass(frozen=True, slots=True)
class Explained:
    """A sentence, its verdict, and the evidence: one line per thing that it claims."""

    text: str
    verdict: records.Truth
    evidence: tuple[str, ...]


def explain(case: Case | Verdict, verdict: Verdict) -> str:
    """A text sentence by sentence, with colours that a terminal shows and a file does not keep, and the outcome."""
    sentences = [] if isinstance(case, Verdict) else list(_sentences(case, verdict))
    lines = [line for sentence in sentences for line in _lines(sentence)]
    counts = {truth: sum(one.verdict == truth for one in sentences) for truth in _MARKS}
    if sentences:
        lines.append(
            ", ".join(f"{number} {truth}" for truth, number in counts.items()) + f" of {len(sentences)} sentences"
        )
    return "\n".join([*lines, outcome(verdict)])


def outcome(verdict: Verdict) -> str:
    """Accepted, or refused and why."""
    found = "accepted" if verdict.accepted else f"refused: {verdict.reason}"
    return found + (f": {verdict.detail}" if verdict.detail else "")


def _lines(sentence: Explained) -> Iterator[str]:
    yield typer.style(f"{_MARKS[sentence.verdict]} {sentence.text}", fg=_COLOURS[sentence.verdict])
    yield from (f"    {line}" for line in sentence.evidence)


def _sentences(case: Case, verdict: Verdict) -> Iterator[Explained]:
    if case.direction == "backward":
        yield from _by_words(verdict)
        return
    reading, placed = judge_forward(case.run, case.text)
    for statement in reading.statements:
        inside = [item for item in placed if statement.start <= item.span[0] < statement.end]
        tried = [claim for claim in verdict.claims if claim.kind == "property" and claim.text == statement.text]
        found = [item.finding.holds for item in inside] + [_HOLDS[claim.verdict] for claim in tried]
        evidence = [*(item.finding.evidence for item in inside), *(claim.evidence for claim in tried)]
        yield Explained(statement.text, _truth(found), tuple(dict.fromkeys(filter(None, evidence))))


def _by_words(verdict: Verdict) -> Iterator[Explained]:
    """Claims that stand in the same words are one sentence."""
    for text in dict.fromkeys(claim.text for claim in verdict.claims):
        claims = [claim for claim in verdict.claims if claim.text == text]
        found = [_HOLDS[claim.verdict] for claim in claims]
        yield Explained(text, _truth(found), tuple(claim.evidence for claim in claims if claim.evidence))


def _truth(found: list[bool | None]) -> Literal["true", "false", "unchecked"]:
    """A sentence is false where anything in it is, true where something in it is known to be and nothing is open."""
    if False in found:
        return "false"
    return "true" if True in found and None not in found else "unchecked"
