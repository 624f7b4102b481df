"""Who answers a stage's questions, and when a stage stops asking because nearly all replies fail alike."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from ray_app.errors import TeacherError
from ray_app.teacher.budget import Usage
from ray_app.teacher.client import Teacher

UNANSWERED = "endpoint error"
"""the reason of a row whose question got no answer"""


class PaidTeacher(Teacher, Protocol):
    """A teacher that knows what it cost."""

    @property
    def usage(self) -> Usage: ...

    def close(self) -> None: ...


class Answering(Protocol):
    """Who answers: an endpoint (`teacher.endpoint`) or vLLM inside the cluster (`teacher.engine`)."""

    def teacher(self) -> PaidTeacher: ...


@dataclass(slots=True)
class Alike:
    """Looks at the outcome of each reply, and raises TeacherError once nearly all of them failed for one reason.

    Over `least` replies, `share` of them must have failed alike: a weak teacher fails in many ways, one that is asked
    wrongly (no chat template, replies cut at the cap) in one. Where there are fewer replies, only a teacher that
    answers no question at all is stopped, by `ended`.
    """

    teacher: str
    wanted: str
    least: int = 20
    share: float = 0.95
    seen: int = 0
    reasons: Counter[str] = field(default_factory=Counter[str])
    details: dict[str, str] = field(default_factory=dict[str, str])

    def note(self, reason: str, detail: str = "") -> None:
        """The outcome of one reply: why it was refused, "" where it was kept."""
        self.seen += 1
        if not reason:
            return
        self.reasons[reason] += 1
        self.details.setdefault(reason, detail)
        if self.seen >= self.least:
            self._stop_at(self.share)

    def ended(self) -> None:
        """No further reply comes."""
        if self.reasons[UNANSWERED] == self.seen:
            self._stop_at(1.0)

    def _stop_at(self, share: float) -> None:
        for reason, count in self.reasons.most_common(1):
            if count >= share * self.seen:
                raise TeacherError(
                    f"{count} of {self.seen} replies of {self.teacher} gave no {self.wanted}, for one reason: "
                    f"{reason}: {self.details[reason][:300]}; ask another model, or change how it is asked "
                    "(its cap of tokens, its temperature)"
                )
