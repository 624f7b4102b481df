"""What a claim is: a statement found in a text, with the place in the run that the text gives it."""

from dataclasses import dataclass

Anchor = tuple[int | None, int]


@dataclass(frozen=True, slots=True)
class Claim:
    """One checkable statement. `start`, `end` delimit it in the text; `sentence` numbers the sentence it stands in.

    `how`: "change" (becomes), "state" (is), "past" (was), "not" (is not), or a detail of the kind. `line`, `visit`: 0
    where the text names none. `iterations`: pairs (loop line or None, iteration; -1: the last, 0: after the loop).
    `required`: the sentence demands it ("must").
    """

    kind: str
    start: int
    end: int
    text: str
    subject: str = ""
    value: str = ""
    how: str = "state"
    line: int = 0
    visit: int = 0
    iterations: tuple[Anchor, ...] = ()
    sentence: int = 0
    required: bool = False


@dataclass(frozen=True, slots=True)
class Claims:
    """What a text claims, in reading order; `answer` is the code of its final answer ("" where there is none)."""

    claims: tuple[Claim, ...]
    unchecked: tuple[str, ...]
    answer: str
