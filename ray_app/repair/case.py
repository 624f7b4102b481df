"""A buggy program and its fix, from wherever they come, made into a repair row: the smallest failing call, a diagnosis,
and a fix that has passed every test again."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from ray_app.monologue.phrase import tokens
from ray_app.monologue.verify import Verdict
from ray_app.records import Execution, Reject, Repair, content_id
from ray_app.repair.bug import Bug, fit, smallest
from ray_app.repair.diagnose import diagnoses
from ray_app.repair.verify import verify

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


def explain(
    case: Case, wrong: Sequence[Execution], right: Sequence[Execution], *, seed: int, max_tokens: int
) -> Repair | Reject:
    """The verified repair of a case from the runs of the same calls by both versions, or why there is none."""
    fitting = [(bad, good) for bad, good in zip(wrong, right, strict=True) if fit(case.fixed, good)]
    if not fitting:
        return _refused(case, "fix fails its tests" if right else "no tests")
    found = smallest([bad for bad, _ in fitting], [good for _, good in fitting])
    if found is None:
        return _refused(case, "no test fails")
    bug = Bug(case.buggy, case.fixed, case.entry, case.kind, *found)
    if bug.failing.flags:
        return _refused(case, f"flagged: {bug.failing.flags[0].partition(':')[0]}")
    refusals: list[tuple[str, str]] = []
    for text in diagnoses(bug, seed=seed):
        if tokens(text) > max_tokens:
            refusals.append(("diagnosis too long", bug.test))
            continue
        verdict = verify(bug, text)
        if verdict.accepted:
            return _repair(case, bug, text, verdict, fitting)
        refusals.append((f"diagnosis: {verdict.reason}", f"{bug.test}: {verdict.detail}"))
    return _refused(case, *(refusals[-1] if refusals else ("no difference that can be told", bug.test)))


def _repair(case: Case, bug: Bug, text: str, verdict: Verdict, runs: Sequence[tuple[Execution, Execution]]) -> Repair:
    tests = [f"assert {good.call} == {good.output}" for _, good in runs]
    return Repair(
        id=content_id("repair", case.buggy, case.fixed, bug.test, text),
        program_id=case.program_id,
        description=case.description or _task(case, tests),
        buggy=case.buggy,
        fixed=case.fixed,
        failing_test=bug.test,
        diagnosis=text,
        mutation=case.kind,
        claims=verdict.claims,
        difficulty=case.difficulty,
    )


def _refused(case: Case, reason: str, detail: str = "") -> Reject:
    return Reject(STAGE, case.program_id, reason, f"{case.kind}: {detail}"[:300])


def _task(case: Case, tests: Sequence[str]) -> str:
    """What a program without a description should do: its signature and some of its tests."""
    definitions = [node for node in ast.parse(case.fixed).body if isinstance(node, ast.FunctionDef)]
    arguments = next((ast.unparse(node.args) for node in definitions if node.name == case.entry), "")
    shown = "\n".join(sorted(tests, key=len)[:_TESTS_SHOWN])
    return f"Write a function `{case.entry}({arguments})` for which these tests hold:\n{shown}"
