"""A diagnosis with one error in it is refused, with the reason; so is one of another bug."""

import re
from pathlib import Path

import pytest

import ray_app.repair.verify as verify_module
from ray_app.repair.narration.diagnose import diagnoses
from ray_app.repair.sections import HEADINGS, split
from ray_app.repair.verify import verify
from tests.repair.kit import ALIAS, BUGS, bug


def told(name: str) -> str:
    return next(diagnoses(bug(*BUGS[name])))


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
    "simulated value": (r"becomes 0 - 3 = -3", "becomes 0 - 3 = -2", "false claim"),
    "simulated operand": (r"becomes 0 - 3 = -3", "becomes 1 - 3 = -3", "false claim"),
    "wrong step in another iteration": (r"In iteration 1", r"In iteration 3", "false claim"),
    "correct value": (r"becomes 0 \+ 3 = 3", "becomes 0 + 3 = 4", "false claim"),
    "correct value that is the wrong one": (r"here `total` becomes 0 \+ 3 = 3", "here `x` is 3", "no difference told"),
    "blamed code": (r"(Root cause: \[L5\] )`total -= x`", r"\1`total *= x`", "false claim"),
    "blamed line": (r"Root cause: \[L5\]", "Root cause: [L6]", "false claim"),
    "fix that is not in the program": (r"`total \+= x`", "`total += 2 * x`", "false claim"),
    "fix that is the wrong code": (r"`total \+= x`", "`total -= x`", "false claim"),
    "result of the fix": (r"returns 7, as", "returns 9, as", "false claim"),
    "foreign literal": (r"Root cause:", "Root cause: with 4711 in mind,", "false claim"),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_verify_corrupted_diagnosis_is_refused(name: str):
    pattern, new, reason = CORRUPTIONS[name]
    text = told("state")
    corrupted, count = re.subn(pattern, new, text, count=1)
    assert count, text
    verdict = verify(bug(*BUGS["state"]), corrupted)
    assert (verdict.accepted, verdict.reason) == (False, reason), (verdict.detail, corrupted)


def test_verify_wrong_step_must_be_the_first_one():
    text = re.sub(r"(First wrong step: ).*", r"\1[L6] `f` returns -7.", told("state"))
    assert not verify(bug(*BUGS["state"]), text).accepted


def test_verify_endless_run_is_not_said_to_end():
    case = bug(*BUGS["endless"])
    text = list(diagnoses(case))[-1]
    assert verify(case, text).accepted
    assert not verify(case, text.replace("it does not come to an end.", "it returns 2.")).accepted
    assert not verify(
        bug(*BUGS["state"]), told("state").replace("it returns -7.", "it does not come to an end.")
    ).accepted


def test_verify_diagnosis_of_another_bug_is_refused():
    assert not verify(bug(ALIAS, "9", "8", "f([1])"), told("alias")).accepted


def test_verify_shares_nothing_with_what_narrates():
    room = Path(verify_module.__file__).parent
    waiting, seen = ["ray_app.repair.verify"], set[str]()
    while waiting:
        module = waiting.pop()
        path = room / f"{module.removeprefix('ray_app.repair.')}.py"
        if module not in seen and module.startswith("ray_app.repair.") and path.exists():
            waiting += re.findall(r"^from (ray_app\.\S+) import", path.read_text(), re.MULTILINE)
        seen.add(module)
    assert "ray_app.repair.divergence" in seen
    assert not [module for module in seen if "narration" in module or "monologue" in module]
