"""What a claim turned out to be at a place in the record."""

from typing import NamedTuple


class Finding(NamedTuple):
    """`holds` is None where the place says nothing about the claim; `at` is the time on the record's clock by which it
    is so, `until` (where it is later) the time up to which it may be told; `evidence` what the record has, in words;
    `right`, of a refuted claim, the value that belongs in place of the stated one, where that is known."""

    holds: bool | None
    evidence: str = ""
    at: float = 0.0
    until: float = 0.0
    right: str = ""


UNKNOWN = Finding(None)
