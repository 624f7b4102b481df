"""Beyond the answer: is what a model says on the way true?

Probe questions ask for one state in the middle of an execution. Fidelity takes the monologues that ended in a right
answer and checks every claim in them against the trace (CoRE: right answers 84.6 %, true processes 19.0 %).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from ray_app.evaluation import prompts
from ray_app.evaluation.items import Item
from ray_app.evaluation.verdicts import Verdict
from ray_app.records import Reject, Score, TracedProgram
from ray_app.semantics.api import Recording, record
from ray_app.tracing.probes import Probe, ProbeKind, check, probes
from ray_app.verification.judge import verify_forward

PROBES = "probes"
"""The benchmark of probe questions."""
SUFFIX = "_process"
"""What the fidelity of a benchmark's monologues is called: its name with this."""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """One monologue: did it end right, how many claims does it make, how many are false, and does it hold as a whole
    (`reason` is the verifier's, "ok" where it does)."""

    item_id: str
    sample: int
    right: bool
    claims: int
    false_claims: int
    faithful: bool
    reason: str


@dataclass(frozen=True, slots=True)
class FidelitySummary:
    """`accuracy` of all monologues; of those that ended right, the `faithful` share and the share of true claims."""

    monologues: int
    accuracy: float
    faithful: float
    true_claims: float


def probe_items(programs: Iterable[TracedProgram], *, seed: int, per_kind: int = 1) -> Iterator[Item]:
    """Questions about each traced execution that is fit as ground truth, at most `per_kind` of each kind."""
    for traced in programs:
        code = traced.program.code
        for number, execution in enumerate(traced.executions):
            if execution.status != "ok" or execution.trace is None or execution.flags:
                continue
            asked = probes(code, execution.call, execution.trace, seed=seed, per_kind=per_kind)
            for place, probe in enumerate(asked):
                yield Item(
                    id=f"{traced.id}-{number}-{place}",
                    task="probe",
                    code=code,
                    entry=traced.program.entry,
                    gold=probe.answer,
                    call=execution.call,
                    description=probe.question,
                    difficulty=traced.program.difficulty,
                    kind=probe.kind,
                )


def grade_probes(item: Item, answers: Sequence[str]) -> list[Verdict]:
    """One verdict per answer; both rules are the same."""
    kind = cast("ProbeKind", item.kind)
    return [_probed(Probe(item.description, item.gold, kind), answer) for answer in answers]


def _probed(probe: Probe, answer: str) -> Verdict:
    if not answer.strip():
        return Verdict(False, False, "empty")
    right = check(probe, answer)
    return Verdict(right, right, "pass" if right else "wrong")


def fidelity(
    items: Iterable[Item], rows: Iterable[Score], record: Callable[[str, str], Recording] = record
) -> Iterator[Fidelity | Reject]:
    """Checks the monologues among graded rows of output prediction (`Score.generation` is the whole reply).

    Rows without a verdict, and runs that cannot be recorded, are Rejects.
    """
    known = {item.id: item for item in items}
    for row in rows:
        item = known.get(row.item_id)
        if item is None or item.task != "output" or row.strict is None:
            yield Reject("fidelity", row.item_id, "not-an-answered-output-item")
            continue
        recording = record(item.prelude + item.code, item.call)
        if recording.run is None:
            yield Reject("fidelity", row.item_id, "no-record", recording.reason)
            continue
        verdict = verify_forward(recording.run, prompts.closed(row.generation))
        wrong = sum(claim.verdict == "false" for claim in verdict.claims)
        yield Fidelity(
            row.item_id, row.sample, row.strict, len(verdict.claims), wrong, verdict.accepted, verdict.reason
        )


def as_score(found: Fidelity, row: Score) -> Score:
    """A monologue's fidelity as a row of its own: official if it ends right, strict if it is true as well."""
    told = f"{found.false_claims} of {found.claims} claims are false: {found.reason}"
    status = "wrong" if not found.right else "pass" if found.faithful else "unfaithful"
    return replace(
        row,
        benchmark=row.benchmark + SUFFIX,
        generation=told,
        official=found.right,
        strict=found.right and found.faithful,
        status=status,
    )


def summarise(found: Iterable[Fidelity]) -> FidelitySummary:
    """The shares over all monologues; 0 where there is nothing to divide by."""
    rows = list(found)
    right = [row for row in rows if row.right]
    claims = sum(row.claims for row in right)
    return FidelitySummary(
        monologues=len(rows),
        accuracy=len(right) / len(rows) if rows else 0.0,
        faithful=sum(row.faithful for row in right) / len(right) if right else 0.0,
        true_claims=1 - sum(row.false_claims for row in right) / claims if claims else 0.0,
    )
