"""One reply's reward, from its answer and from its claims.

    score = answer * right + claims * process + format * well_formed - length * overlong

`right` is the strict verdict of the graders. `process` lies between -1 and 1: of the steps that decide the result the
weighed share which the reply describes rightly before it states the result, less twice a step's share for each
sentence with a false claim, less one share for each that only repeats. So a step left out costs less than one told
wrongly, and a reply that repeats itself, copies its prompt, says nothing, or gives the answer first earns no more than
the answer.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from ray_app.claims.claim import Kind
from ray_app.evaluation import predictions, process, prompts
from ray_app.evaluation.items import Item
from ray_app.evaluation.verdicts import Executor
from ray_app.reward.question import Question
from ray_app.sandbox.api import execute
from ray_app.verification.backward import Record, verify_backward
from ray_app.verification.measure import Measured

_FEW: Final = 3
"""So many true statements make a whole backward explanation; of a short run, a false claim costs a share of so many."""
_LEAST: Final = -1.0
"""of the process part. The lower it is, the sooner a weak model learns to say nothing at all: see docs/rl.md."""
_REFERENCES: Final = frozenset(["answer", "returns"])


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts how much. `kinds` weighs a described step by the weightiest claim about it (1 where not named);
    `max_chars` is the length from which a reply is charged, wholly at twice that."""

    answer: float = 1.0
    claims: float = 0.5
    format: float = 0.05
    length: float = 0.2
    max_chars: int = 8_000
    false_claim: float = 2.0
    kinds: Mapping[Kind, float] = field(default_factory=lambda: {"next": 0.5, "branch": 0.75, "truth": 0.75})

    def step(self, kinds: Collection[Kind]) -> float:
        """The weight of a step about which true claims of these kinds were made."""
        return max((self.kinds.get(kind, 1.0) for kind in kinds), default=0.0)


@dataclass(frozen=True, slots=True)
class Reward:
    """`score` and what it was made of; `reason` says why the claims were not looked at, else ""."""

    score: float
    right: bool
    process: float
    well_formed: bool
    true_claims: int = 0
    false_claims: int = 0
    steps: int = 0
    described: int = 0
    reason: str = ""

    def as_dict(self) -> dict[str, float | int | str]:
        """The form in which verl logs each part beside the score."""
        return {name: int(value) if isinstance(value, bool) else value for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Process:
    """What was found out about a reply's claims; `share` is between -1 and 1."""

    share: float = 0.0
    true: int = 0
    false: int = 0
    steps: int = 0
    described: int = 0
    reason: str = ""


NO_CLAIMS = Process()


def reward(
    question: Question, reply: str, executor: Executor, measured: Measured | None, record: Record, weights: Weights
) -> Reward:
    """The reward of a reply; `measured` is the record of the question's call, None where it cannot be had."""
    text = prompts.closed(reply)
    right = is_right(question, text, executor, measured)
    found = NO_CLAIMS
    if question.task in ("forward", "exception"):
        found = _forward(measured, text, weights)
    elif question.task == "backward" and right:
        found = _backward(measured, text, record, weights)
    well_formed = text.count("[ANSWER]") == text.count("[/ANSWER]") == 1 and text.rstrip().endswith("[/ANSWER]")
    overlong = min(1.0, max(0, len(text) - weights.max_chars) / weights.max_chars)
    score = weights.answer * right + weights.claims * found.share
    score += weights.format * well_formed - weights.length * overlong
    return Reward(
        score=round(score, 6),
        right=right,
        process=round(found.share, 6),
        well_formed=well_formed,
        true_claims=found.true,
        false_claims=found.false,
        steps=found.steps,
        described=found.described,
        reason=found.reason,
    )


def is_right(question: Question, reply: str, executor: Executor, measured: Measured | None) -> bool:
    """Whether a reply's answer is right by the strict rule of the graders."""
    if question.task == "exception":
        return measured is not None and not measured.answer_fault(reply)
    item = Item(
        id="",
        task="probe" if question.task == "probe" else "input" if question.task in ("backward", "input") else "output",
        code=question.code,
        entry=question.entry,
        gold=question.truth,
        call=question.call,
        output=question.truth,
        description=question.question,
        kind=question.kind,
    )
    answer = prompts.answer(item, reply)
    if item.task == "probe":
        return process.grade_probes(item, [answer])[0].strict is True
    return predictions.grade(item, [answer], executor)[0].strict is True


def _forward(measured: Measured | None, text: str, weights: Weights) -> Process:
    if measured is None:
        return Process(reason="no record")
    found = measured.measure(text)
    gained = max(0.0, sum(map(weights.step, found.stated.values())) - found.repeated)
    share = gained / max(1, found.steps) - weights.false_claim * found.false / max(_FEW, found.steps)
    return Process(max(_LEAST, min(1.0, share)), found.true, found.false, found.steps, len(found.stated))


def _backward(measured: Measured | None, text: str, record: Record, weights: Weights) -> Process:
    """Of a backward explanation each different true statement counts, as long as its answer is right."""
    if measured is None:
        return Process(reason="no record")
    verdict = verify_backward(measured.run, text, record=record, execute=execute)
    claims = [claim for claim in verdict.claims if claim.kind not in _REFERENCES]
    true = [" ".join(claim.text.split()).lower() for claim in claims if claim.verdict == "true"]
    false = sum(claim.verdict == "false" for claim in claims)
    different = len(set(true))
    gained = max(0, 2 * different - len(true))
    if verdict.reason == "constraint says nothing":
        gained = 0
    share = min(1.0, gained / _FEW) - weights.false_claim * false / max(_FEW, len(claims))
    reason = verdict.reason if not verdict.accepted else ""
    return Process(max(_LEAST, min(1.0, share)), len(true), false, _FEW, different, reason)
