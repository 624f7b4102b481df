"""A diagnosis is told for every kind of mistake, says what matters, and verifies; a corrupted one does not."""

import re

import pytest

from ray_app.repair.diagnose import diagnoses
from ray_app.repair.sections import HEADINGS, split
from ray_app.repair.verify import verify
from tests.repair.kit import ALIAS, BUGS, TOTAL, bug


def told(name: str, seed: int = 0) -> str:
    return next(diagnoses(bug(*BUGS[name]), seed=seed))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", BUGS)
def test_diagnosis_of_every_kind_of_mistake_verifies_at_every_length(name: str, seed: int):
    case = bug(*BUGS[name])
    for text in diagnoses(case, seed=seed):
        verdict = verify(case, text)
        assert verdict.accepted, (verdict.reason, verdict.detail, text)
        assert all(claim.verdict == "true" for claim in verdict.claims)


def test_diagnosis_is_deterministic_per_seed_and_varies():
    assert told("state", 1) == told("state", 1)
    assert len({told("state", seed) for seed in range(6)}) > 1


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("state", ["should return 7", "it returns -7", "`total` becomes 3", "subtracts instead of adding"]),
        ("test", ["here `x` is 3, so `x > 0` is True.", "`x > 3`", "so that the line reads `if x > 0:`"]),
        ("raise", ["it raises `IndexError", "too high by one"]),
        ("branch", ["`n < 0` is True", "the function returns 0", "`if n < 0:` with `return 0` in it"]),
        ("condition", ["`x in ys` is False", "not be done in every case", "Put this line inside `if x in ys:`"]),
        ("loop", ["`i` becomes 0", "`range(1, len(xs))` begins too late"]),
        ("range", ["here the loop goes on and `i` becomes 1", "too low by one"]),
        ("alias", ["In a correct run: here `xs` is [1].", "makes no copy", "L3 only shows it"]),
        ("call", ["this calls `f(3, 1)`", "In a correct run: here this calls"]),
        ("endless", ["it does not come to an end", "`n` becomes 4"]),
        ("too deep", ["wrong order", "This calls `f(3, 12)`"]),
    ],
)
def test_diagnosis_says_what_matters(name: str, parts: list[str]):
    text = told(name)
    assert [part for part in parts if part not in text] == []


def test_diagnosis_of_an_index_error_names_index_and_length():
    case = bug(TOTAL, "total += x", "total += xs[x]", "f([3, 1])")
    text = next(diagnoses(case, seed=0))
    assert "`x` is 3 and `xs` has length 2, so there is no `xs[x]`, and this raises `IndexError`" in text
    assert verify(case, text).accepted


def test_diagnosis_of_runs_that_do_not_differ_is_nothing():
    assert list(diagnoses(bug(TOTAL, "total += x", "total = total + x", "f([1])"), seed=0)) == []


def test_split_needs_every_part_once_and_in_order():
    text = told("state")
    parts = split(text)
    assert parts is not None
    assert list(parts) == list(HEADINGS)
    assert split(text.replace(HEADINGS["cause"], "Cause:")) is None
    assert split(text + "\n" + HEADINGS["fix"] + " again") is None


CORRUPTIONS = {
    "expected value": (r"should return 7", "should return 8", "false claim"),
    "actual value": (r"it returns -7", "it returns 7", "false claim"),
    "simulated value": (r"from 0 to -3", "from 0 to -2", "false claim"),
    "wrong step in another iteration": (
        r"(wrong step: \[L5\] )In iteration 1",
        r"\1In iteration 3",
        "false claim",
    ),
    "correct value": (r"`total` becomes 3", "`total` becomes 4", "false claim"),
    "correct value that is the wrong one": (r"here `total` becomes 3", "here `x` is 3", "no difference told"),
    "blamed code": (r"(Root cause: \[L5\] )`total -= x`", r"\1`total *= x`", "false claim"),
    "blamed line": (r"Root cause: \[L5\]", "Root cause: [L6]", "false claim"),
    "fix that is not in the program": (r"`total \+= x`", "`total += 2 * x`", "false claim"),
    "result of the fix": (r"returns 7, as", "returns 9, as", "false claim"),
    "foreign literal": (r"Root cause:", "Root cause: with 4711 in mind,", "unsupported literal"),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_verify_corrupted_diagnosis_is_refused(name: str):
    pattern, new, reason = CORRUPTIONS[name]
    text = told("state")
    corrupted, count = re.subn(pattern, new, text)
    assert count, text
    verdict = verify(bug(*BUGS["state"]), corrupted)
    assert (verdict.accepted, verdict.reason) == (False, reason), (verdict.detail, corrupted)


def test_verify_simulation_that_leaves_the_deciding_states_out_is_refused():
    simulated = re.compile(r"(Execution simulation:\n).*?(\n\nFirst)", re.DOTALL)
    text = simulated.sub(r"\1[L2] `total` is 0.\2", told("state"))
    assert verify(bug(*BUGS["state"]), text).reason == "deciding state not covered"


def test_verify_wrong_step_must_be_the_first_one():
    text = re.sub(r"(First wrong step: ).*", r"\1[L6] The function returns -7.", told("state"))
    assert verify(bug(*BUGS["state"]), text).reason == "wrong step not told"


def test_verify_diagnosis_of_another_bug_is_refused():
    assert not verify(bug(ALIAS, "9", "8", "f([1])"), told("alias")).accepted
