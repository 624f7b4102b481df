"""A statement of a text with what was found out about it."""

from dataclasses import dataclass

from ray_app import records
from ray_app.verification.verdict import claim


@dataclass(frozen=True, slots=True)
class Statement:
    """`holds`: None where nothing could be held against it. `is_empty`: a constraint that every input tried meets."""

    text: str
    kind: str
    holds: bool | None
    evidence: str
    is_empty: bool = False

    def recorded(self) -> records.Claim:
        """The statement as a row keeps it."""
        return claim(self.text, self.kind, self.holds, self.evidence)
