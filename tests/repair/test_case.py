"""A case becomes a repair shown by its smallest failing call, or a reject that says why not."""

from dataclasses import replace

import pytest

from ray_app.records import Execution, Reject, Repair
from ray_app.repair.case import Case, shown
from ray_app.repair.worker import RepairConfig, explained
from ray_app.sandbox.api import execute
from tests.repair.kit import TOTAL

CALLS = ("f([3, -1, 4, 5, 6])", "f([])", "f([-2])", "f([0, 7])")
CASE = Case("p1", "", "f", TOTAL.replace("x > 0", "x >= 7"), TOTAL, "comparison", difficulty=3)


def outcome(case: Case, calls: tuple[str, ...] = CALLS, max_tokens: int = 1_000) -> Repair | Reject:
    wrong, right = (execute(code, calls) for code in (case.buggy, case.fixed))
    failure = shown(case, wrong, right)
    if isinstance(failure, Reject):
        return failure
    (row,) = explained([failure], RepairConfig(max_tokens=max_tokens, lane="safe"))
    return row


def test_explain_picks_the_smallest_call_that_fails():
    row = outcome(CASE)
    assert isinstance(row, Repair)
    assert row.failing_test == "assert f([3, -1, 4, 5, 6]) == 18"
    shorter = outcome(CASE, (*CALLS, "f([1])", "f([12, 1])"))
    assert isinstance(shorter, Repair)
    assert shorter.failing_test == "assert f([1]) == 1"


def test_explain_row_carries_its_program_and_claims_that_hold():
    row = outcome(CASE)
    assert isinstance(row, Repair)
    assert (row.program_id, row.mutation, row.difficulty) == ("p1", "comparison", 3)
    assert (row.buggy, row.fixed) == (CASE.buggy, CASE.fixed)
    assert len(row.claims) > 10
    assert all(claim.verdict == "true" for claim in row.claims)


def test_explain_program_without_a_description_is_described_by_its_tests():
    row = outcome(CASE)
    assert isinstance(row, Repair)
    assert row.description.startswith("Write a function `f(xs)`")
    assert "assert f([]) == 0" in row.description
    described = outcome(replace(CASE, description="Add up what is positive."))
    assert isinstance(described, Repair)
    assert described.description == "Add up what is positive."


@pytest.mark.parametrize(
    ("case", "calls", "max_tokens", "reason"),
    [
        (CASE, ("f([])", "f([-2])"), 1_000, "no test fails"),
        (replace(CASE, fixed="def f(xs):\n    return xs.nothing\n"), CALLS, 1_000, "fix fails its tests"),
        (CASE, CALLS, 20, "diagnosis too long"),
    ],
)
def test_explain_refuses_with_the_reason(case: Case, calls: tuple[str, ...], max_tokens: int, reason: str):
    row = outcome(case, calls, max_tokens)
    assert isinstance(row, Reject)
    assert row.reason == reason


def test_explain_equal_numbers_of_other_type_are_no_failure():
    case = replace(CASE, buggy=TOTAL.replace("total = 0", "total = 0.0"))
    row = outcome(case)
    assert isinstance(row, Reject)
    assert row.reason == "no test fails"


def test_explain_flagged_run_is_no_evidence():
    wrong, right = (execute(code, CALLS) for code in (CASE.buggy, CASE.fixed))
    flagged: list[Execution] = [replace(run, flags=("nondeterministic",)) for run in wrong]
    row = shown(CASE, flagged, right)
    assert isinstance(row, Reject)
    assert row.reason == "flagged: nondeterministic"
