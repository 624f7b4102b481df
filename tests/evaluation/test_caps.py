"""Caps lie above the right answers, in tokens of the model."""

import pytest

from ray_app.errors import InputError
from ray_app.evaluation.caps import RightReplies, answer, count_bytes
from ray_app.evaluation.items import Item
from ray_app.records import Monologue

CODE = "def f(n):\n    return n + 1\n"
OUTPUT = Item("p-0-output", "output", CODE, "f", "5", call="f(4)", output="5")
INPUT = Item("p-0-input", "input", CODE, "f", "f(4)", call="f(4)", output="5")
OTHER = Item("q-0-output", "output", "def g(): return 1", "g", "1", call="g()", output="1")
PROGRAM = Item("T/0", "code", "", "add", "def add(n):\n    return n + 1\n" * 9)


def told(text: str, direction: str = "forward") -> Monologue:
    return Monologue("m", "p", "grow", CODE, "f", 1, direction, "f(4)", "5", text, "f(4)", "narrator", ())  # type: ignore[arg-type]


RIGHT = RightReplies([told("word " * 100), told("word " * 30, "backward")], lambda text: len(text.split()))


@pytest.mark.parametrize(
    "item", [OUTPUT, INPUT, PROGRAM, Item("p", "probe", CODE, "f", "[3, 5]")], ids=lambda i: i.task
)
def test_a_direct_cap_lies_above_the_answer(item: Item) -> None:
    assert RightReplies((), count_bytes).cap([item], "direct") > 1.2 * len(answer(item))


def test_a_monologues_cap_lies_above_the_monologue() -> None:
    assert RIGHT.tokens(OUTPUT, "monologue") == 100
    assert RIGHT.tokens(INPUT, "monologue") == 30
    assert RIGHT.cap([INPUT], "monologue") < 100 < RIGHT.cap([OUTPUT], "monologue")


def test_monologues_of_the_same_direction_stand_for_those_that_nobody_told() -> None:
    assert RIGHT.tokens(OTHER, "monologue") is None
    assert RIGHT.cap([OTHER], "monologue") == RIGHT.cap([OUTPUT], "monologue")


def test_questions_with_longer_right_replies_are_left_out_where_that_is_asked() -> None:
    items = [OUTPUT, INPUT, OTHER]
    assert RIGHT.fitting(items, "monologue", 0) == items
    assert RIGHT.fitting(items, "monologue", 50) == [INPUT]
    assert RIGHT.fitting(items, "direct", 50) == items


def test_without_any_right_reply_the_cap_must_be_given() -> None:
    with pytest.raises(InputError, match="set max_tokens"):
        RightReplies((), count_bytes).cap([OUTPUT], "monologue")


def test_a_contest_without_solutions_needs_a_given_cap() -> None:
    item = Item("1", "code", "", "", "", tests='{"inputs": [], "outputs": []}')
    with pytest.raises(InputError, match="set max_tokens"):
        RightReplies((), count_bytes).cap([item], "direct")
