"""A buggy program and its fix, from wherever they come, made into a repair row: the smallest failing call, a diagnosis,
and a fix that has passed every test again."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from ray_app.monologue.tokens import tokens
from ray_app.records import Execution, Reject, Repair, content_id
from ray_app.repair.bug import Bug, smallest
from ray_app.repair.narration.diagnose import diagnoses
from ray_app.repair.verify import verify
from ray_app.semantics.fitness import unfit
from ray_app.verification.verdict import Verdict

STAGE = "repair"
DRAFT = "draft"
"""The kind of a mistake that a language model made."""
_TESTS_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Case:
    """Two versions of a program that should do what `description` says; `kind` names the mistake."""

    program_id: str
    description: str
    entry: str
    buggy: str
    fixed: str
    kind: str
    difficulty: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A case with the smallest call that shows its mistake, and all tests that the fixed program passes."""

    case: Case
    call: str
    tests: tuple[str, ...]


def shown(case: Case, wrong: Sequence[Execution], right: Sequence[Execution]) -> Failure | Reject:
    """The failure of a case, from the runs of the same calls by both versions, or why there is none."""
    fitting = [(bad, good) for bad, good in zip(wrong, right, strict=True) if not unfit(case.fixed, good)]
    if not fitting:
        return refused(case, "fix fails its tests" if right else "no tests")
    found = smallest([bad for bad, _ in fitting], [good for _, good in fitting])
    if found is None:
        return refused(case, "no test fails")
    if found.flags:
        return refused(case, f"flagged: {found.flags[0].partition(':')[0]}")
    return Failure(case, found.call, tuple(f"assert {good.call} == {good.output}" for _, good in fitting))


def explain(failure: Failure, bug: Bug, *, max_tokens: int) -> Repair | Reject:
    """The verified repair of a recorded failure: the longest diagnosis that fits, or why there is none."""
    if bug.right.cut:
        return refused(failure.case, "fixed run too long to record", failure.call)
    reason, detail = "no difference that can be told", ""
    for text in diagnoses(bug):
        if tokens(text) > max_tokens:
            reason = "diagnosis too long"
            continue
        verdict = verify(bug, text)
        if verdict.accepted:
            return _repair(failure, bug, text, verdict)
        reason, detail = f"diagnosis: {verdict.reason}", verdict.detail
    return refused(failure.case, reason, f"{bug.test}: {detail}")


def refused(case: Case, reason: str, detail: str = "") -> Reject:
    """The refusal of a case."""
    return Reject(STAGE, case.program_id, reason, f"{case.kind}: {detail}"[:300])


def _repair(failure: Failure, bug: Bug, text: str, verdict: Verdict) -> Repair:
    case = failure.case
    return Repair(
        id=content_id("repair", case.buggy, case.fixed, bug.test, text),
        program_id=case.program_id,
        description=case.description or _task(case, failure.tests),
        buggy=case.buggy,
        fixed=case.fixed,
        failing_test=bug.test,
        diagnosis=text,
        mutation=case.kind,
        claims=verdict.claims,
        difficulty=case.difficulty,
    )


def _task(case: Case, tests: Sequence[str]) -> str:
    """What a program without a description should do: its signature and some of its tests."""
    definitions = [node for node in ast.parse(case.fixed).body if isinstance(node, ast.FunctionDef)]
    arguments = next((ast.unparse(node.args) for node in definitions if node.name == case.entry), "")
    some = "\n".join(sorted(tests, key=len)[:_TESTS_SHOWN])
    return f"Write a function `{case.entry}({arguments})` for which these tests hold:\n{some}"
