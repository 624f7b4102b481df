"""The evaluation worker against a real endpoint on loopback that says what a test scripts."""

from typing import Any

import pytest

from ray_app.errors import TeacherError
from ray_app.evaluation.generate import GenerationConfig
from ray_app.evaluation.items import CHECK, Item
from ray_app.evaluation.worker import Question, evaluate
from ray_app.records import Reject, Score
from ray_app.stage import Spend
from ray_app.teacher.endpoint import Endpoint
from tests.monologue.telling import forward_text
from tests.teacher.endpoint import Answer, said, serve

CODE = "def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n"
OUTPUT = Item("p-0-output", "output", CODE, "f", "6", call="f(4)", output="6")
INPUT = Item("p-0-input", "input", CODE, "f", "f(4)", call="f(4)", output="6")
TEST = f"def {CHECK}(candidate):\n    assert candidate(1) == 2\n"
PROGRAM = Item("T/0", "code", "", "add", "", description="Add one to n.", test=TEST)


def scores(questions: list[Question], url: str) -> list[tuple[str, bool | None, bool | None, str]]:
    found = list(evaluate(questions, Endpoint("m", url=url)))
    assert isinstance(found[-1], Spend)
    assert not any(isinstance(row, Reject) for row in found)
    return [(row.benchmark, row.official, row.strict, row.status) for row in found if isinstance(row, Score)]


def test_evaluate_checks_the_claims_of_monologues_where_that_is_asked() -> None:
    told = forward_text(CODE, "f(4)")
    config = GenerationConfig("own", "monologue")

    def reply(body: dict[str, Any], _: int) -> Answer:
        return said(told if "assert f(4) == ??" in str(body) else "[ANSWER]assert f(4) == 6[/ANSWER]")

    with serve(reply) as endpoint:
        found = scores([Question(config, item, fidelity=True) for item in (OUTPUT, INPUT)], endpoint.url)
    assert found == [
        ("own", True, True, "pass"),
        ("own_process", True, True, "pass"),
        ("own", True, True, "pass"),
    ]


def test_evaluate_repairs_programs_beside_attempts_from_scratch() -> None:
    def reply(body: dict[str, Any], _: int) -> Answer:
        again = "Debug and Refine" in str(body)
        return said(
            "[Refined]\ndef add(n):\n    return n + 1\n[/Refined]"
            if again
            else "```python\ndef add(n):\n    return n\n```"
        )

    with serve(reply) as endpoint:
        found = scores([Question(GenerationConfig("own", "direct"), PROGRAM, rounds=2)], endpoint.url)
    assert found == [("own_repair", True, True, "pass"), ("own_resample", False, False, "wrong")]


def test_evaluate_of_an_empty_reply_is_an_answer_that_fails() -> None:
    with serve(lambda *_: said("")) as endpoint:
        found = scores([Question(GenerationConfig("own", "direct"), item) for item in (OUTPUT, PROGRAM)], endpoint.url)
    assert [(official, status) for _, official, _, status in found] == [(False, "empty"), (False, "empty")]


def test_evaluate_asks_again_only_for_what_was_not_answered(tmp_path: Any) -> None:
    """A run that broke in the middle goes on from its cache."""
    items = [Item(f"p-{n}-output", "output", CODE, "f", "6", call=f"f({n})", output="6") for n in range(8)]
    questions = [Question(GenerationConfig("own", "direct"), item) for item in items]

    def breaks(_: dict[str, Any], serial: int) -> Answer:
        return said("[ANSWER]assert f(4) == 6[/ANSWER]") if serial < 5 else (401, "no more")

    with serve(breaks) as endpoint:
        place = Endpoint("m", url=endpoint.url, cache_dir=str(tmp_path), concurrency=1)
        with pytest.raises(TeacherError):
            list(evaluate(questions, place))
    with serve(lambda *_: said("[ANSWER]assert f(4) == 6[/ANSWER]")) as endpoint:
        place = Endpoint("m", url=endpoint.url, cache_dir=str(tmp_path), concurrency=1)
        assert sum(isinstance(row, Score) for row in evaluate(questions, place)) == 8
        assert len(endpoint.bodies) == 3
