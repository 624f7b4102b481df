"""Beyond the answer: is what a model says on the way true?

Probe questions ask for one state in the middle of an execution. Fidelity takes the monologues that ended in a right
answer and checks every claim in them against the trace (CoRE: right answers 84.6 %, true processes 19.0 %).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ray_app.evaluation import prompts
from ray_app.evaluation.items import Item
from ray_app.evaluation.verdicts import Executor
from ray_app.monologue.verify import verify_forward
from ray_app.records import Reject, Score, TracedProgram
from ray_app.sandbox.api import Job
from ray_app.teacher.client import Request, Teacher
from ray_app.tracing.probes import Probe, check, probes

PROBE_BENCHMARK = "probes"


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


def probe_prompt(code: str, probe: Probe) -> str:
    """The exact text of a probe question."""
    return (
        f"Answer a question about the run of a Python program. Give the answer between [ANSWER] and [/ANSWER].\n\n"
        f"[PYTHON]\n{code.rstrip()}\n[/PYTHON]\n{probe.question}\n"
    )


def ask_probes(
    programs: Iterable[TracedProgram], teacher: Teacher, *, seed: int, per_kind: int = 1, max_tokens: int = 512
) -> Iterator[Score | Reject]:
    """One graded row per probe question about each traced execution that is fit as ground truth; `prompt_format` is the
    kind of question. A request that failed is a Reject."""
    asked = [
        (f"{program.id}-{number}-{place}", program.program.code, probe)
        for program in programs
        for number, execution in enumerate(program.executions)
        if execution.status == "ok" and execution.trace is not None and not execution.flags
        for place, probe in enumerate(
            probes(program.program.code, execution.call, execution.trace, seed=seed, per_kind=per_kind)
        )
    ]
    texts = [probe_prompt(code, probe) for _, code, probe in asked]
    requests = [
        Request(messages=({"role": "user", "content": text},), max_tokens=max_tokens, stop=prompts.STOP)
        for text in texts
    ]
    for (key, _, probe), text, reply in zip(asked, texts, teacher.complete(requests), strict=True):
        if reply.error is not None:
            yield Reject("probe", key, "no-reply", reply.error)
            continue
        given = prompts.tagged(reply.texts[0])
        right = bool(given) and check(probe, given)
        status = "pass" if right else "wrong" if given else "empty"
        yield Score(PROBE_BENCHMARK, key, 0, teacher.name, probe.kind, text, reply.texts[0], right, right, status)


def fidelity(items: Iterable[Item], rows: Iterable[Score], executor: Executor) -> Iterator[Fidelity | Reject]:
    """Checks the monologues among graded rows of output prediction (`Score.generation` is the whole reply).

    Rows without a verdict, and runs that leave no trace to check against, are Rejects.
    """
    known = {item.id: item for item in items}
    for row in rows:
        item = known.get(row.item_id)
        if item is None or item.task != "output" or row.strict is None:
            yield Reject("fidelity", row.item_id, "not-an-answered-output-item")
            continue
        done = executor.run(Job(item.prelude + item.code, (item.call,), trace=True))
        if not done or done[0].trace is None:
            yield Reject("fidelity", row.item_id, "no-trace")
            continue
        verdict = verify_forward(item.code, item.entry, done[0], prompts.closed(row.generation))
        wrong = sum(not claim.holds for claim in verdict.claims)
        yield Fidelity(
            row.item_id, row.sample, row.strict, len(verdict.claims), wrong, verdict.accepted, verdict.reason
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
