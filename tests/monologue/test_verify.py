import functools

import pytest

from ray_app.monologue.verify import Verdict, verify_backward, verify_forward
from ray_app.records import Execution
from ray_app.sandbox.api import execute
from ray_app.sandbox.limits import Limits

SUM = "def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n"
ANSWER = "\n[ANSWER]assert f(4) == 6[/ANSWER]"
TOLD = (
    "[L2] total starts at 0. The loop runs 4 times: i=0 -> total 0, i=1 -> total 1, i=2 -> total 3, i=3 -> total 6. "
    "It returns 6."
)
UPPER = "def f(s):\n    if len(s) > 2:\n        return s.upper()\n    return s\n"
GIVES = "\n[ANSWER]assert f('aBc') == 'ABC'[/ANSWER]"


@functools.cache
def executed(code: str, call: str) -> Execution:
    return execute(code, [call])[0]


def forward_verdict(text: str) -> Verdict:
    return verify_forward(SUM, "f", executed(SUM, "f(4)"), text)


def backward_verdict(text: str) -> Verdict:
    return verify_backward(UPPER, "f", executed(UPPER, "f('abc')"), text)


def test_forward_true_monologue_is_accepted_with_evidence_for_every_claim() -> None:
    verdict = forward_verdict(TOLD + ANSWER)
    assert verdict.accepted, verdict
    assert verdict.unchecked == ()
    assert all(claim.verdict == "true" and claim.evidence for claim in verdict.claims)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("total 3", "total 4", "false claim"),
        ("total 3", "total 1", "false claim"),
        ("i=2", "i=3", "false claim"),
        ("[L2]", "[L4]", "false claim"),
        ("4 times", "5 times", "false claim"),
        ("returns 6", "returns 7", "false claim"),
        ("total starts", "n starts", "false claim"),
        ("i=1 -> total 1, i=2 -> total 3", "i=2 -> total 3, i=1 -> total 1", "false claim"),
        (" i=1 -> total 1, i=2 -> total 3,", "", "deciding state not covered"),
    ],
)
def test_forward_one_wrong_step_with_the_right_answer_is_refused(old: str, new: str, reason: str) -> None:
    assert old in TOLD
    verdict = forward_verdict(TOLD.replace(old, new, 1) + ANSWER)
    assert not verdict.accepted
    assert verdict.reason == reason


def test_forward_wrong_final_answer_is_refused() -> None:
    assert forward_verdict(TOLD + ANSWER.replace("6", "7")).reason == "wrong answer"


def test_forward_answer_about_another_call_is_refused() -> None:
    assert forward_verdict(TOLD + "\n[ANSWER]assert f(5) == 6[/ANSWER]").reason == "answer is about another call"


def test_forward_answer_of_another_type_is_refused() -> None:
    assert forward_verdict(TOLD + "\n[ANSWER]assert f(4) == 6.0[/ANSWER]").reason == "wrong answer"


@pytest.mark.parametrize("text", ["", "It adds the numbers up.", "[L2] [L3] [L4] [L5]"])
def test_forward_text_without_claims_is_refused(text: str) -> None:
    assert forward_verdict(text + ANSWER).reason == "no claims"


def test_forward_text_that_tells_only_the_result_is_refused() -> None:
    assert forward_verdict("The function returns 6." + ANSWER).reason == "only the result is told"


def test_forward_number_inside_another_number_is_not_found() -> None:
    verdict = forward_verdict(TOLD.replace("It returns 6.", "Somewhere the odd 1234 shows up. It returns 6.") + ANSWER)
    assert verdict.reason == "unsupported literal"
    assert "1234" in verdict.unchecked


def test_forward_run_that_did_not_finish_is_refused() -> None:
    code = "def f(n):\n    while True:\n        n += 1\n"
    (endless,) = execute(code, ["f(0)"], Limits(cpu_s=0.1, wall_s=60))
    verdict = verify_forward(code, "f", endless, "n is 0." + ANSWER)
    assert verdict.reason == "run not finished: timeout-cpu"


def test_backward_run_that_raised_is_refused() -> None:
    failed = executed("def f(n):\n    return 1 // n\n", "f(0)")
    verdict = verify_backward("def f(n):\n    return 1 // n\n", "f", failed, "`n == 0` must hold." + ANSWER)
    assert verdict.reason == "run not finished: exception"


def test_forward_without_trace_is_refused() -> None:
    untraced = execute(SUM, ["f(4)"], trace=False)[0]
    assert verify_forward(SUM, "f", untraced, TOLD + ANSWER).reason == "no trace"


def test_forward_set_answer_in_another_order_is_accepted() -> None:
    code = "def f(xs):\n    out = set(xs)\n    return out\n"
    text = "[L2] `out` becomes {1, 2}. The function returns {2, 1}.\n[ANSWER]assert f([2, 1]) == {2, 1}[/ANSWER]"
    assert verify_forward(code, "f", executed(code, "f([2, 1])"), text).accepted


@pytest.mark.parametrize(
    "constraint",
    ["`s.upper() == 'ABC'` must hold.", "len(s) must be 3.", "s must be a string of length 3."],
)
def test_backward_true_constraint_with_another_witness_is_accepted(constraint: str) -> None:
    verdict = backward_verdict(constraint + GIVES)
    assert verdict.accepted, verdict


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        ("`len(s) >= 0` must hold.", "constraint says nothing"),
        ("`s == s` must hold.", "constraint says nothing"),
        ("s must be a string.", "constraints exclude nothing"),
        ("`s == 'abc'` must hold.", "false constraint"),
        ("s must have length 4.", "false constraint"),
        ("`s.islower()` must hold.", "false constraint"),
        ("It is any string.", "no constraints"),
    ],
)
def test_backward_false_or_empty_constraint_is_refused(constraint: str, reason: str) -> None:
    assert backward_verdict(constraint + GIVES).reason == reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("[ANSWER]assert f('abd') == 'ABC'[/ANSWER]", "witness gives another output"),
        ("[ANSWER]assert f('abc') == 'ABD'[/ANSWER]", "answer states another output"),
        ("[ANSWER]assert f() == 'ABC'[/ANSWER]", "no witness"),
        ("[ANSWER]assert g('abc') == 'ABC'[/ANSWER]", "no witness"),
        ("", "no witness"),
    ],
)
def test_backward_bad_witness_is_refused(answer: str, reason: str) -> None:
    assert backward_verdict("len(s) must be 3.\n" + answer).reason == reason


def test_backward_constraint_broken_by_another_known_input_is_refused() -> None:
    code = "def f(x):\n    return x > 100000\n"
    text = "`x % 2 == 0` must hold.\n[ANSWER]assert f(200000) == True[/ANSWER]"
    verdict = verify_backward(code, "f", executed(code, "f(200000)"), text, others=[executed(code, "f(900001)")])
    assert verdict.reason == "false constraint"


@pytest.mark.parametrize(
    "text",
    [
        "`total +` is 3.",
        "`)(` is True.",
        "`f(` returns 3.",
        "[L4] `'(') + (''` is '('.",
        "`i` + `)` = 3",
        "`:=` becomes 4",
    ],
)
def test_forward_code_span_that_is_no_code_is_refused_without_an_error(text: str) -> None:
    assert not forward_verdict(text + ANSWER).accepted


SEARCH = (
    "def f(xs, t):\n    lo = 0\n    hi = len(xs) - 1\n    while lo <= hi:\n        mid = (lo + hi) // 2\n"
    "        if xs[mid] == t:\n            return mid\n        if xs[mid] < t:\n            lo = mid + 1\n"
    "        else:\n            hi = mid - 1\n    return -1\n"
)


@pytest.mark.parametrize(
    ("sentence", "holds"),
    [
        ("lo is 3 and hi is 4.", True),
        ("lo is 0 and hi is 4.", True),
        ("lo is 0 and mid is 3.", False),
        ("After iteration 1, lo is 3.", True),
        ("After iteration 1, lo is 0.", False),
        ("After the loop lo is 3.", True),
        ("After the loop lo is 0.", False),
        ("Line 12 is never reached.", True),
        ("Line 9 is never reached.", False),
        ("mid = (0 + 4) // 2 = 2", True),
        ("mid = (0 + 4) // 2 = 3", False),
    ],
)
def test_forward_statements_hold_together_and_at_the_time_they_name(sentence: str, holds: bool) -> None:
    run = executed(SEARCH, "f([1, 3, 5, 7, 9], 7)")
    claims = verify_forward(SEARCH, "f", run, sentence + " It returns 3.").claims
    said = [claim.verdict == "true" for claim in claims if claim.kind not in ("return", "iteration", "line")]
    assert said
    assert all(said) is holds
