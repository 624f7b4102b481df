"""The verdict on a text, and on each claim in it."""

from dataclasses import dataclass

from ray_app import records


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is short and fixed ("ok" where accepted); `detail` names the culprit."""

    accepted: bool
    reason: str
    claims: tuple[records.Claim, ...] = ()
    detail: str = ""


def claim(text: str, kind: str, holds: bool | None, evidence: str) -> records.Claim:
    """A claim's row: true, false, or (None) unchecked."""
    verdict: records.Truth = "unchecked" if holds is None else "true" if holds else "false"
    return records.Claim(text, kind, verdict, evidence)
