"""Backward texts held against the sandbox and the record: true ones pass, each planted error is refused."""

import pytest

from ray_app.monologue.backward.narrate import narrate
from ray_app.verification.backward import verify_backward
from ray_app.verification.evaluating import same_value
from tests.semantics.local import record

CODE = """def f(text, mark):
    parts = []
    for c in text:
        if c.isalpha():
            parts.append(c)
    parts.append(mark)
    return '-'.join(parts)
"""
CALL = "f('a1b', 'c')"
TRUE = """Wanted: an input for which `f` returns 'a-b-c'.
[L7] `return '-'.join(parts)` gives the result, so `'-'.join(parts)` is 'a-b-c'.
[L6] `parts.append(mark)` is the last to write `parts`.
So an input has to meet:
1. `'-'.join([c for c in text if c.isalpha()] + [mark]) == 'a-b-c'` (implied by [L7]).

One such input: `text` is 'a1b' and `mark` is 'c'.
Run forward, `parts` is at last ['a', 'b', 'c'] and `f` returns 'a-b-c'.

[ANSWER]assert f('a1b', 'c') == 'a-b-c'[/ANSWER]
"""


def verdict(text: str, code: str = CODE, call: str = CALL):
    return verify_backward(record(code, call), text, record=record)


def test_verify_true_text_is_accepted():
    assert verdict(TRUE).reason == "ok"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("assert f('a1b', 'c') ==", "assert f('a1b', 'd') ==", "witness gives another output"),
        ("assert f('a1b', 'c') ==", "assert g('a1b', 'c') ==", "no witness"),
        ("assert f('a1b', 'c') ==", "assert f('a1b', 1/0) ==", "witness does not run"),
        ("== 'a-b-c'[/ANSWER]", "== 'a-b-d'[/ANSWER]", "answer states another output"),
        ("for which `f` returns 'a-b-c'", "for which `f` returns 'a-b'", "false claim"),
        ("so `'-'.join(parts)` is 'a-b-c'", "so `'-'.join(parts)` is 'a-b'", "false claim"),
        ("[L6] `parts.append(mark)` is", "[L5] `parts.append(c)` is", "false claim"),
        ("last to write `parts`", "last to write `c`", "false claim"),
        ("`parts` is at last ['a', 'b', 'c']", "`parts` is at last ['a', 'b']", "false claim"),
        ("`text` is 'a1b'", "`text` is 'ab'", "false claim"),
        ("[mark]) == 'a-b-c'` (", "[mark]) == 'a-b-d'` (", "false constraint"),
        ("[mark]) == 'a-b-c'` (", "[mark]) != 'a-b-c'` (", "false constraint"),
        ("(implied by [L7])", "(implied by [L6])", "false constraint"),
        ("'-'.join([c for c in text if c.isalpha()] + [mark]) == 'a-b-c'`", "text == text`", "constraint says nothing"),
        ("'-'.join([c for c in text if c.isalpha()] + [mark]) == 'a-b-c'`", "len(text) == 3`", "false constraint"),
        ("(implied by [L7])", "(tested on 3 inputs with this result)", "false constraint"),
    ],
)
def test_verify_planted_error_is_refused(old, new, reason):
    assert old in TRUE
    assert verdict(TRUE.replace(old, new)).reason == reason


def test_verify_weakened_brackets_are_refused():
    code = "def f(a, b):\n    return a or b\n"
    text = narrate(record(code, "f(0, 7)")).text
    assert verdict(text, code, "f(0, 7)").accepted
    assert not verdict(text.replace("`(a or b) == 7`", "`a or b == 7`"), code, "f(0, 7)").accepted


def test_verify_number_of_inputs_is_counted_again():
    code = "def f(t):\n    i = 0\n    while i < len(t):\n        i += 2\n    return t.swapcase() + t[i:]\n"
    text = narrate(record(code, "f('aBcd')")).text
    assert verdict(text, code, "f('aBcd')").accepted
    count = text.partition("tested on ")[2].partition(" ")[0]
    assert not verdict(text.replace(f"tested on {count}", f"tested on {int(count) + 1}"), code, "f('aBcd')").accepted


def test_verify_law_must_give_the_constraint():
    code = "def f(t):\n    i = 0\n    while i < len(t):\n        i += 2\n    return t.swapcase() + t[i:]\n"
    text = narrate(record(code, "f('aBcd')")).text
    weaker = text.replace("`result.lower() == t.lower()` holds", "`len(result) == len(t)` holds")
    assert weaker != text
    assert verdict(weaker, code, "f('aBcd')").reason == "false constraint"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[ANSWER]",
        "[ANSWER]assert f('a1b', 'c') == 'a-b-c'[/ANSWER]",
        "`" * 50 + "[ANSWER]assert f('a1b', 'c') == 'a-b-c'[/ANSWER]",
        "must must `((` must `text ==`\n[ANSWER]f('a1b', 'c')[/ANSWER]",
        "x is [[[[ and `text` is {'\n[ANSWER]assert f(*'a') == 1[/ANSWER]",
    ],
)
def test_verify_odd_text_is_refused_without_an_exception(text):
    assert not verdict(text).accepted


def test_verify_prose_of_a_model_with_a_true_choice():
    text = (
        "It joins letters with '-'. We know that f(??) == 'a-b-c'. The letters of text must be 'a' and 'b', so\n"
        "`text` = 'a1b' and `mark` = 'c' will do.\n[ANSWER]assert f('a1b', 'c') == 'a-b-c'[/ANSWER]"
    )
    assert verdict(text).accepted
    assert verdict(text.replace("`mark` = 'c'", "`mark` = 'd'")).reason == "false claim"


def test_same_value_asks_for_type_and_order():
    assert same_value("[1,2]", "[1, 2]")
    assert same_value("{2, 1}", "{1, 2}")
    assert not same_value("1", "True")
    assert not same_value("{1: 2, 3: 4}", "{3: 4, 1: 2}")


def test_verify_what_another_call_gives():
    line = "1. `f('a', 'b')` gives 'a-b'.\n"
    assert verdict(TRUE.replace("One such", line + "One such")).accepted
    assert not verdict(TRUE.replace("One such", line.replace("'a-b'", "'a-c'") + "One such")).accepted


def test_verify_reads_an_empty_set_as_a_value_not_as_a_last_setting():
    code = "def f(n):\n    seen = set()\n    for x in range(n):\n        seen.discard(x)\n    return len(seen) + n\n"
    found = narrate(record(code, "f(2)"))
    assert "`seen` is at last set()" in found.text
    assert verdict(found.text, code, "f(2)").reason == "ok"


def test_verify_reads_a_result_line_that_quotes_no_statement():
    sums = " + ".join(f"abs({name})" for name in ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"))
    code = f"def f(alpha, beta, gamma, delta, epsilon, zeta, eta):\n    return {sums} + 10_000_000 + 20_000_000\n"
    found = narrate(record(code, "f(1, 2, 3, 4, 5, 6, 7)"))
    assert "This statement gives the result" in found.text
    assert verdict(found.text, code, "f(1, 2, 3, 4, 5, 6, 7)").reason == "ok"
