"""What a reply earns, and that nothing which games the reward earns more than the answer alone."""

from collections.abc import Iterator

import pytest

from ray_app.reward.question import Question
from ray_app.reward.score import Reward, Weights
from ray_app.reward.scorer import Scorer
from tests.reward.kit import ANSWER, BACKWARD, CALL, CODE, FORWARD, narration


@pytest.fixture(scope="module")
def scorer() -> Iterator[Scorer]:
    scorer = Scorer()
    yield scorer
    scorer.close()


@pytest.fixture(scope="module")
def alone(scorer: Scorer) -> Reward:
    """The reward of the right answer and nothing else."""
    return scorer.score(FORWARD, ANSWER)


def before_answer(text: str) -> str:
    return text.partition("[ANSWER]")[0]


@pytest.mark.parametrize("detail", [1, 3])
def test_true_explanation_earns_all(scorer: Scorer, alone: Reward, detail: int) -> None:
    told = scorer.score(FORWARD, narration(detail=detail))
    assert (told.right, told.process, told.false_claims) == (True, 1.0, 0)
    assert told.score == pytest.approx(alone.score + Weights().claims)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Nothing to say.\n", id="empty"),
        pytest.param("`total` is set to 0.\n" * 6, id="one true claim again and again"),
        pytest.param("[L2] `total` is set to 0.\n" * 2, id="one labelled claim twice"),
        pytest.param(f"The call is `{CALL}`. `xs` is [1, 2, 4]. xs = [1, 2, 4].\n", id="copied from the prompt"),
        pytest.param("`f` has 1 parameter, `xs`, and 1 `return` statement.\n", id="what the code says of itself"),
        pytest.param("The call returns 11.\n", id="the result"),
        pytest.param("total is 0. total is 1. total is 3. total is 7. total is 9. total is 13.\n", id="guesses"),
    ],
)
def test_games_earn_no_more_than_the_answer(scorer: Scorer, alone: Reward, text: str) -> None:
    assert scorer.score(FORWARD, text + ANSWER).score <= alone.score


def test_answer_first_earns_no_more_than_the_answer(scorer: Scorer, alone: Reward) -> None:
    explained = before_answer(narration())
    for text in (f"{ANSWER}\n{explained}", f"{ANSWER}\n{explained}{ANSWER}", f"The call returns 11.\n{narration()}"):
        assert scorer.score(FORWARD, text).score <= alone.score


def test_false_claim_costs_more_than_a_missing_one(scorer: Scorer) -> None:
    lines = narration().splitlines()
    at = next(index for index, line in enumerate(lines) if "8 = 12" in line)
    whole = scorer.score(FORWARD, "\n".join(lines)).score
    missing = scorer.score(FORWARD, "\n".join(lines[:at] + lines[at + 1 :])).score
    wrong = lines[at].replace("8 = 12", "8 = 13")
    false = scorer.score(FORWARD, "\n".join([*lines[:at], wrong, *lines[at + 1 :]])).score
    assert whole > missing > false


def test_wrong_answer_keeps_the_part_for_true_steps_only(scorer: Scorer, alone: Reward) -> None:
    text = before_answer(narration()).rsplit("[L6]", 1)[0] + f"[ANSWER]assert {CALL} == 12[/ANSWER]"
    found = scorer.score(FORWARD, text)
    assert not found.right
    assert 0.3 < found.score < alone.score


def test_reply_without_its_end_tag_is_closed(scorer: Scorer, alone: Reward) -> None:
    assert scorer.score(FORWARD, ANSWER.removesuffix("[/ANSWER]")) == alone


def test_overlong_reply_is_charged(scorer: Scorer, alone: Reward) -> None:
    padded = "So it goes on. " * 2_000 + ANSWER
    assert scorer.score(FORWARD, padded).score == pytest.approx(alone.score - Weights().length)


def test_backward_witness_of_its_own_is_right_and_true_constraints_count(scorer: Scorer) -> None:
    answer = "[ANSWER]assert f([6]) == 11[/ANSWER]"
    alone = scorer.score(BACKWARD, answer)
    assert alone.right
    text = (
        "1. `sum([x * 2 for x in xs if x % 2 == 0]) - 1 == 11` (implied by [L6]).\nTo check: `total` is at last 12.\n"
    )
    told = scorer.score(BACKWARD, text + answer)
    assert told.score > alone.score
    assert scorer.score(BACKWARD, "To check: `total` is at last 12.\n" * 4 + answer).score <= alone.score
    assert scorer.score(BACKWARD, text.replace("last 12", "last 14") + answer).score < alone.score
    assert not scorer.score(BACKWARD, text + "[ANSWER]assert f([4]) == 11[/ANSWER]").right


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        (Question("output", CODE, "f", CALL, "11"), ANSWER, ANSWER.replace("11", "11.0")),
        (Question("input", CODE, "f", CALL, "11"), "[ANSWER]assert f([6]) == 11[/ANSWER]", "[ANSWER]f([5])[/ANSWER]"),
        (Question("probe", CODE, "f", CALL, "4", "?", "next-line"), "[ANSWER]4[/ANSWER]", "[ANSWER]5[/ANSWER]"),
        (
            Question("exception", CODE, "f", "f([''])", "TypeError"),
            "[ANSWER]f(['']) raises TypeError[/ANSWER]",
            "[ANSWER]f(['']) raises KeyError[/ANSWER]",
        ),
    ],
)
def test_each_task_knows_right_from_wrong(scorer: Scorer, question: Question, right: str, wrong: str) -> None:
    assert scorer.score(question, right).score > 0.9
    assert scorer.score(question, wrong).score < 0.1
