import pytest

from ray_app.evaluation import predictions
from ray_app.evaluation.items import Item
from ray_app.evaluation.verdicts import Executor, Verdict

CODE = """
def f(x):
    class Same:
        def __eq__(self, other):
            return True
    if x == 'same':
        return Same()
    while x == 'loop':
        pass
    return x + 1
"""
OUTPUT = Item("o", "output", CODE, "f", "3", call="f(2)", output="3")
INPUT = Item("i", "input", CODE, "f", "f(2)", call="f(2)", output="3")


def verdict(item: Item, answer: str, executor: Executor) -> Verdict:
    return predictions.grade(item, [answer], executor)[0]


@pytest.mark.parametrize(
    ("answer", "official", "strict"),
    [
        ("3", True, True),
        (" 3  # three", True, True),
        ("4", False, False),
        ("4 or 3", True, False),
        ("3.0", True, False),
        ("1 + 2", True, False),
        ("f(1 + 1)", True, False),
        ("f(2)", False, False),
        ("3, 'why'", True, False),
        ("3\nassert True", True, False),
        ("'3'", False, False),
        ("x", False, False),
        ("3 +", False, False),
        ("", False, False),
        ("f('same')", True, False),
        ("(", False, False),
        ("exit()", False, False),
        ("[" * 300, False, False),
    ],
)
def test_output_answer_is_judged_by_both_rules(answer: str, official: bool, strict: bool, executor: Executor) -> None:
    found = verdict(OUTPUT, answer, executor)
    assert (found.official, found.strict) == (official, strict), found


@pytest.mark.parametrize(
    ("answer", "official", "strict", "status"),
    [
        ("f(2)", True, True, "pass"),
        ("f(x=2)", True, True, "pass"),
        ("f(len('ab'))", True, True, "pass"),
        ("f((lambda y: y)(2))", True, True, "pass"),
        ("f(2.0)", True, False, "pass"),
        ("f(3)", False, False, "wrong"),
        ("2", False, False, "malformed"),
        ("f('same')", True, False, "pass"),
        ("f(2) or 1", True, False, "pass"),
        ("f(2) and 1", True, False, "pass"),
        ("f(globals().update(f=lambda x: 3))", False, False, "exception"),
        ("(g := f(2))", True, False, "pass"),
        ("f('loop')", False, False, "timeout"),
        ("f(None)", False, False, "exception"),
    ],
)
def test_input_answer_is_judged_by_both_rules(
    answer: str, official: bool, strict: bool, status: str, executor: Executor
) -> None:
    assert verdict(INPUT, answer, executor) == Verdict(official, strict, status)


def test_output_answer_that_names_the_call_is_malformed(executor: Executor) -> None:
    assert verdict(OUTPUT, "f(2)", executor).status == "malformed"


def test_equal_answers_get_equal_verdicts_in_order(executor: Executor) -> None:
    found = predictions.grade(OUTPUT, ["3", "4", "3"], executor)
    assert [one.official for one in found] == [True, False, True]


def test_output_that_no_literal_writes_can_still_be_answered(executor: Executor) -> None:
    code = "class P:\n    def __init__(self, x):\n        self.x = x\ndef f(x):\n    return P(x)\n"
    item = Item("p", "input", code, "f", "f(1)", call="f(1)", output="P(x=1)")
    assert verdict(item, "f(1)", executor).strict
    assert not verdict(item, "f(2)", executor).official
