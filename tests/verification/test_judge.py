"""The verdict on free texts: what is true in any words, what is false, and that nothing ends in a traceback."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ray_app.verification.judge import verify_forward, verify_part
from tests.semantics import local

SUM = local.record("def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n", "f(4)")
UPPER = local.record(
    "def f(text):\n    out = []\n    for c in text:\n        if c.isupper():\n            out.append(c.lower())\n"
    "    return ''.join(out)\n",
    "f('aBC')",
)
FACTORIAL = local.record("def f(n):\n    if n <= 1:\n        return 1\n    return n * f(n - 1)\n", "f(3)")
RUNS = {"sum": SUM, "upper": UPPER, "factorial": FACTORIAL}

TWINS = (
    ("sum", "total becomes 3", "total becomes 4"),
    ("sum", "Line 2 sets total to 0.", "Line 2 sets total to 1."),
    ("sum", "[L2] total starts at 0", "[L2] total starts at 2"),
    ("sum", "The loop runs 4 times.", "The loop runs 3 times."),
    ("sum", "The loop ends after 4 iterations.", "The loop ends after 5 iterations."),
    ("sum", "Iteration 3: i = 2, total = 3", "Iteration 3: i = 2, total = 1"),
    ("sum", "In the third iteration, i is 2 and total grows to 3.", "In the third iteration, i is 1."),
    ("sum", "In the last iteration total becomes 6.", "In the last iteration total becomes 3."),
    ("sum", "i goes through 0, 1, 2, 3", "i goes through 1, 2, 3, 4"),
    ("sum", "total = 1 + 2 = 3", "total = 1 + 2 = 4"),
    ("sum", "6 is stored in total", "5 is stored in total"),
    ("sum", "total never decreases.", "total never changes."),
    ("sum", "Line 4 runs 4 times", "Line 4 runs 3 times"),
    ("upper", "out starts as an empty list", "out starts as an empty string"),
    ("upper", "[L4] `c.isupper()` is True for 'B'", "[L4] Iteration 1: `c.isupper()` is True"),
    ("upper", "'b' is appended to `out`", "'B' is appended to `out`"),
    ("upper", "out now contains ['b', 'c'].", "out now contains ['c', 'b']."),
    ("upper", "The length of text is 3.", "The length of text is 30."),
    ("upper", "`text` does not contain 'b'", "`text` does not contain 'B'"),
    ("upper", "text is not empty", "text is empty"),
    ("upper", "text ends with 'C'.", "text ends with 'B'."),
    ("factorial", "`f(2)` returns 2", "`f(2)` returns 3"),
    ("factorial", "[L3] returns 1", "[L3] returns 2"),
    ("factorial", "3 * 2 = 6", "3 * 2 = 5"),
    ("factorial", "n is greater than 1", "n is greater than 3"),
)


@pytest.mark.parametrize(("name", "true", "false"), TWINS)
def test_verify_part_true_sentence_holds_and_its_false_twin_does_not(name, true, false):
    assert "false" not in [claim.verdict for claim in verify_part(RUNS[name], true).claims]
    assert "true" in [claim.verdict for claim in verify_part(RUNS[name], true).claims]
    assert "false" in [claim.verdict for claim in verify_part(RUNS[name], false).claims]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no claims"),
        ("x" * 30_001, "text is too long"),
        ("[" * 29_000, "no claims"),
        ("(" * 3_000 + "[ANSWER]" + ")" * 3_000, "no claims"),
        ("Let's see.\n[ANSWER]assert f(4) == 6[/ANSWER]", "no claims"),
        ("The function returns 6.\n[ANSWER]assert f(4) == 6[/ANSWER]", "only the result"),
        ("total becomes 3.", "no final answer"),
        ("total becomes 3.\n[ANSWER]assert f(4) == 7[/ANSWER]", "wrong answer"),
        ("total becomes 3.\n[ANSWER]assert f(5) == 6[/ANSWER]", "answer is about another call"),
        ("total becomes 5.\n[ANSWER]assert f(4) == 6[/ANSWER]", "false claim"),
        ("[L3] Iteration 1: `i` is 0.\n[L2] `total` is set to 0.", "false claim"),
        (
            "[L2] `total` is set to 0.\n[L5] `f` returns 6.\n[ANSWER]assert f(4) == 6[/ANSWER]",
            "deciding change not stated",
        ),
    ],
)
def test_verify_forward_refuses_with_a_fixed_reason(text, reason):
    assert verify_forward(SUM, text).reason == reason


def test_verify_forward_one_misread_sentence_does_not_drag_the_rest_down():
    claims = verify_forward(SUM, "total becomes 1.\ntotal becomes 77.\ntotal becomes 3.\ntotal becomes 6.").claims
    assert [claim.verdict for claim in claims] == ["true", "false", "true", "true"]


def test_verify_forward_hypothetical_claims_nothing():
    assert verify_forward(SUM, "If n were 0, the function would return 0.").claims == ()


PIECES = [
    *(
        "`total`",
        "total",
        "[L4]",
        "[L99]",
        "Iteration 2:",
        "becomes",
        "is",
        "= 3",
        "->",
        "3",
        "'x",
        "(",
        "[1, 2",
        "```",
    ),
    *(";", ".", "\n", "raises ValueError: x", "returns", "case _:", "-9**9", "\\", "loop ends after 4 iterations", "|"),
    *("\0", "‹v0›", "ǰ"),
]


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join)))
def test_verify_forward_never_raises(text):
    for run in RUNS.values():
        assert isinstance(verify_forward(run, text).reason, str)
