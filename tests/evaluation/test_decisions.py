"""What a text decides, in both styles of the narrator."""

import pytest

from ray_app.evaluation.decisions import decisions
from ray_app.evaluation.skeleton import CODE, LABEL, VALUE, outline

CODE_F = """\
def f(xs, n):
    total = 0
    for x in xs:
        if x > 1 and x % 2:
            total += x * 2
    return total + len(xs)
"""
PROSE = """\
`f` has 2 parameters, `xs` and `n`, and 1 `return` statement.
[L1] Call of `f`: `xs` is [1, 3]; `n` is 2.
[L2] `total` is set to 0.
[L3] Iteration 1: `x` is 1.
[L4] `x > 1` is 1 > 1 = False; `x > 1 and x % 2` is False, without evaluating `x % 2`, so the condition is false.
[L3] Iteration 2: `x` is 3.
[L4] `x > 1` is 3 > 1 = True; `x % 2` is 3 % 2 = 1; `x > 1 and x % 2` is 1, so the condition is true.
[L5] `x * 2` is 3 * 2 = 6; `total` becomes 0 + 6 = 6.
[L3] No item is left, so the loop ends after 2 iterations.
[L6] `f` returns `total + len(xs)`, which is 6 + 2 = 8.

[ANSWER]assert f([1, 3], 2) == 8[/ANSWER]"""
STATES = """\
[L1] call f: xs = [1, 3]; n = 2
[L2] total = 0
[L3] iteration 1: x = 1
[L4] x > 1 -> 1 > 1 -> False; x > 1 and x % 2 -> False
[L3] iteration 2: x = 3
[L4] x > 1 -> 3 > 1 -> True; x % 2 -> 3 % 2 -> 1; x > 1 and x % 2 -> 1; true
[L5] x * 2 -> 3 * 2 -> 6; total = 0 + 6 -> 6
[L3] end after 2 iterations
[L6] return total + len(xs) -> 6 + 2 -> 8

[ANSWER]assert f([1, 3], 2) == 8[/ANSWER]"""


def found(code: str, text: str) -> list[tuple[str, str, str, int]]:
    return [(text[one.start : one.end], one.kind, one.work, one.leap) for one in decisions(code, text)]


def values(code: str, text: str) -> list[tuple[str, int]]:
    return [(shown, leap) for shown, kind, _, leap in found(code, text) if kind in ("value", "return", "branch")]


def test_decisions_are_the_same_in_both_styles() -> None:
    def alike(text: str) -> list[tuple[str, str, int]]:
        spoken = {"Iteration": "iteration", "No item": "end"}
        return [(spoken.get(shown, shown), kind, leap) for shown, kind, _, leap in found(CODE_F, text)]

    assert alike(PROSE) == alike(STATES)


def test_decisions_name_what_is_decided() -> None:
    told = found(CODE_F, STATES)
    assert [shown for shown, kind, *_ in told if kind == "next line"] == [f"{n}]" for n in (1, 2, 3, 4, 3, 4, 5, 3, 6)]
    assert [shown for shown, kind, *_ in told if kind == "branch"] == ["iteration", "False", "iteration", "true", "end"]
    assert [shown for shown, kind, *_ in told if kind == "count"] == ["1", "2", "2"]
    assert [(shown, work) for shown, kind, work, _ in told if kind == "return"] == [("8", "arithmetic")]
    assert told[-1] == ("8", "answer", "arithmetic", 0)


def test_a_leap_counts_the_operations_since_what_was_stated() -> None:
    code = "def f(xs):\n    y = max(xs) + len(xs) * 2\n    return y\n"
    one = "[L2] `y` is set to `max(xs) + len(xs) * 2`, which is 9."
    steps = (
        "[L2] `max(xs)` is 5; `len(xs)` is 2; `len(xs) * 2` is 2 * 2 = 4; "
        "`y` is set to `max(xs) + len(xs) * 2`, which is 5 + 4 = 9."
    )
    assert values(code, one) == [("9", 4)]
    assert values(code, steps) == [("5", 1), ("2", 1), ("2 * 2", 0), ("4", 1), ("5 + 4", 0), ("9", 1)]


def test_a_next_line_is_a_leap_where_the_run_goes_elsewhere_than_below() -> None:
    lines = [(shown, leap) for shown, kind, _, leap in found(CODE_F, STATES) if kind == "next line"]
    assert lines == [
        ("1]", 0), ("2]", 0), ("3]", 0), ("4]", 0), ("3]", 1), ("4]", 0), ("5]", 0), ("3]", 1), ("6]", 1),
    ]  # fmt: skip


def test_arguments_are_copied_and_a_loops_next_item_is_one_operation() -> None:
    assert values(CODE_F, "[L1] call f: xs = [1, 3]; n = 2\n[L3] iteration 1: x = 1") == [
        ("[1, 3]", 0),
        ("2", 0),
        ("iteration", 1),
        ("1", 1),
    ]


@pytest.mark.parametrize(
    ("shown", "work"),
    [
        ("-1.5e-05", "arithmetic"),
        ("'it; is [L3] = 3. `x`'", "strings"),
        ('"don\'t"', "strings"),
        ("b'a'", "strings"),
        ("{'a': [1, 'b;']}", "containers"),
        ("set()", "containers"),
        ("Counter({'a': 1})", "containers"),
        ("None", "control"),
    ],
)
def test_values_are_read_to_their_end_whatever_they_hold(shown: str, work: str) -> None:
    code = "def f(x):\n    y = x\n    return y\n"
    for text in (f"[L2] `y` is set to {shown}.", f"[L2] y = {shown}", f"[L2] `y` becomes {shown}; `x` is 1."):
        assert (shown, "value", work, 0) in found(code, text)


def test_the_programs_own_text_decides_nothing() -> None:
    code = "def f(d):\n    y = d['k'] + g(2)\n    return y\n"
    assert values(code, "[L2] y = d['k'] + g(2) -> 3 + 4 -> 7") == [("3 + 4", 0), ("7", 1)]
    assert values(code, "[L2] `d['k'] = 5` stands here, and `y = 3` too.") == []


def test_a_test_is_decided_where_its_value_is_first_stated() -> None:
    code = "def f(n):\n    while n > 3:\n        n -= 4\n    return [x for x in (1, 2) if x > n]\n"
    prose = (
        "[L2] `n > 3` is 6 > 3 = True, so iteration 1 begins.\n"
        "[L4] Comprehension iteration 1: `x` is 1; `x > n` is 1 > 2 = False, so it is left out."
    )
    states = "[L2] n > 3 -> 6 > 3 -> True; iteration 1\n[L4] item 1: x = 1; x > n -> 1 > 2 -> False; left out"
    for text in (prose, states):
        assert [shown for shown, kind, *_ in found(code, text) if kind == "branch"] == ["True", "False"]
    listed = "[L4] ys = [x for x in (1, 2) if x > n] -> [2]"
    assert values(code, listed) == [("[2]", 2)]


def test_an_answer_is_found_whatever_its_value_holds() -> None:
    text = "[L1] call f\n\n[ANSWER]assert f('a == b') == 'x == y'[/ANSWER]"
    assert found("def f(a):\n    return a\n", text)[-1] == ("'x == y'", "answer", "strings", 0)
    raised = "[L1] call f\n\n[ANSWER]f(0) raises ZeroDivisionError[/ANSWER]"
    assert found("def f(a):\n    return 1 // a\n", raised)[-1][:2] == ("ZeroDivisionError", "answer")


@pytest.mark.parametrize("text", ["", "no label", "[L9] of a line that is not there: `x` is 1", "[ANSWER][/ANSWER]"])
def test_texts_of_any_shape_are_read(text: str) -> None:
    assert all(text[one.start : one.end] for one in decisions("def f():\n    return (\n", text))


def test_an_outline_keeps_places_and_hides_what_patterns_must_not_see() -> None:
    text = "[L2] `a[0]` is 'x; y' + f([1, (2)]) of L5's (open"
    drawn = outline(text)
    assert len(drawn) == len(text)
    assert drawn == f"{LABEL * 4} {CODE * 6} is {VALUE * 6} + f{VALUE * 10} of L5's (open"
