"""Editing: what is false is put right or cut, the rest stays word for word, and a text that says nothing is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ray_app.sandbox.api import execute
from ray_app.verification.edit import NO_EXPLANATION, edit_backward, edit_forward
from ray_app.verification.judge import verify_forward
from tests.semantics import local
from tests.verification.test_judge import PIECES, SUM

ANSWER = "\n[ANSWER]assert f(4) == 6[/ANSWER]"
UPPER = local.record("def f(text):\n    low = text.lower()\n    return low + '!'\n", "f('AB')")


def test_edit_forward_true_text_is_left_word_for_word():
    text = "1. total starts at 0.\n2. The loop runs 4 times.\n3. The function returns 6." + ANSWER
    edited = edit_forward(SUM, text)
    assert (edited.text, edited.edits, edited.reason) == (text, (), "")
    assert edited.verdict.accepted


@pytest.mark.parametrize(
    ("false", "true"),
    [
        ("The loop runs 5 times.", "The loop runs 4 times."),
        ("total starts at 1.", "total starts at 0."),
        (
            "In the third iteration, i is 2 and total grows to 4.",
            "In the third iteration, i is 2 and total grows to 3.",
        ),
        ("In iteration 4, `i` is `7`.", "In iteration 4, `i` is `3`."),
        ("total = 1 + 2 = 4", "total = 1 + 2 = 3"),
    ],
)
def test_edit_forward_false_value_is_replaced_by_the_recorded_one(false, true):
    edited = edit_forward(SUM, f"n is 4, so the loop runs four times.\n{false}\nIt returns 6.{ANSWER}")
    assert edited.text == f"n is 4, so the loop runs four times.\n{true}\nIt returns 6.{ANSWER}"
    assert [edit.kind for edit in edited.edits] == ["corrected"]
    assert edited.edits[0].before in false
    assert edited.edits[0].after in true
    assert edited.edits[0].why


def test_edit_forward_false_sentence_without_a_right_value_is_cut_with_its_mark():
    text = "low becomes 'ab'. 'x' is appended to low. The function returns 'ab!'.\n[ANSWER]assert f('AB') == 'ab!'"
    edited = edit_forward(UPPER, text)
    assert edited.text.startswith("low becomes 'ab'. The function returns 'ab!'.\n")
    assert [(edit.kind, edit.after) for edit in edited.edits] == [("cut", "")]


def test_edit_forward_cut_line_takes_what_is_indented_under_it_along():
    text = "- Iteration 3: total = 3\n- Iteration 9: it begins\n  - total = 6\n- It returns 6." + ANSWER
    assert edit_forward(SUM, text).text == "- Iteration 3: total = 3\n- It returns 6." + ANSWER


def test_edit_forward_head_that_lost_all_below_it_goes_too():
    text = "total starts at 0.\n## Loop\n1. 'x' is appended to total.\n## End\nIt returns 6." + ANSWER
    assert edit_forward(SUM, text).text == "total starts at 0.\n## End\nIt returns 6." + ANSWER


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("total becomes 3.\n[ANSWER]assert f(4) == 7[/ANSWER]", "final answer is wrong"),
        ("total becomes 3.", "no final answer"),
        ("'x' is appended to total. It returns 6." + ANSWER, NO_EXPLANATION),
        ("n is initially 4. 'x' is appended to total. It returns 6." + ANSWER, NO_EXPLANATION),
    ],
)
def test_edit_forward_text_without_an_explanation_is_refused_with_the_reason(text, reason):
    edited = edit_forward(SUM, text)
    assert (edited.text, edited.reason) == ("", reason)


def test_edit_forward_unchecked_sentence_is_kept_or_cut_as_asked():
    text = "total becomes 3. Sums are associative in every ring there is. It returns 6." + ANSWER
    assert edit_forward(SUM, text).text == text
    assert edit_forward(SUM, text, unchecked="cut").text == "total becomes 3. It returns 6." + ANSWER


GENERAL = local.record("def f(n):\n    if n < 0:\n        return -1\n    total = n * 2\n    return total\n", "f(4)")


@pytest.mark.parametrize(
    ("general", "left"),
    [
        ("The function returns -1 if n is less than 0.", True),
        ("The function returns 0 if n is less than 0.", False),
        ("The function always returns a string.", False),
    ],
)
def test_edit_forward_general_statement_is_tried_on_inputs(general, left):
    text = f"{general} total becomes 8. It returns 8.\n[ANSWER]assert f(4) == 8[/ANSWER]"
    edited = edit_forward(GENERAL, text, unchecked="cut", execute=execute)
    assert edited.reason == "", edited
    assert (general in edited.text) == left
    assert general not in edit_forward(GENERAL, text, unchecked="cut").text


def test_edit_backward_demand_that_other_inputs_break_becomes_a_possibility():
    run = local.record("def f(n):\n    return abs(n)\n", "f(4)")
    text = "We know that f(??) == 4. For f(??) to be 4, n should be 4.\n[ANSWER]assert f(4) == 4[/ANSWER]"
    edited = edit_backward(run, text, record=local.record)
    assert "n can be 4." in edited.text
    assert [(edit.kind, edit.after) for edit in edited.edits] == [("corrected", "can be")]


def test_edit_backward_false__constraint_is_cut():
    run = local.record("def f(n):\n    return n + 1\n", "f(4)")
    text = "1. `n > 3` must hold.\n2. `n > 9` must hold.\n3. `f(4)` gives 5.\n[ANSWER]assert f(4) == 5[/ANSWER]"
    edited = edit_backward(run, text, record=local.record)
    assert edited.reason == ""
    assert "n > 9" not in edited.text
    assert "n > 3" in edited.text


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join)))
def test_edit_forward_any_text_ends_as_an_accepted_row_or_refused(text):
    for unchecked in ("keep", "cut"):
        edited = edit_forward(SUM, text + ANSWER, unchecked=unchecked)
        assert bool(edited.text) == (edited.reason == "")
        assert not edited.text or verify_forward(SUM, edited.text).accepted
