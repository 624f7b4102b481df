import pytest

from ray_app.errors import InputError
from ray_app.evaluation.generate import GenerationConfig, generate
from ray_app.evaluation.grade import Grader
from ray_app.evaluation.items import Benchmark, Item
from ray_app.records import Reject, Score
from tests.evaluation.fake_teacher import FakeTeacher

ITEMS = tuple(
    Item(f"s{i}", "output", "def f(x):\n    return x + 1", "f", str(i + 1), call=f"f({i})", output=str(i + 1))
    for i in range(3)
)


def answer(prompt: str) -> str | None:
    call = prompt.rpartition("assert f(")[2].partition(")")[0]
    return None if call == "1" else f"so\n[ANSWER]assert f({call}) == {int(call) + 1}[/ANSWER]"


def test_generate_and_grade_give_a_row_per_sample_and_a_reject_per_refusal() -> None:
    config = GenerationConfig("demo", "cot", samples=2, temperature=0.8)
    rows = list(generate(ITEMS, FakeTeacher(answer), config))
    assert [(row.item_id, row.sample) for row in rows if isinstance(row, Score)] == [
        ("s0", 0),
        ("s0", 1),
        ("s2", 0),
        ("s2", 1),
    ]
    assert [(row.id, row.reason) for row in rows if isinstance(row, Reject)] == [("s1", "no-reply")]
    scores = [row for row in rows if isinstance(row, Score)]
    assert all(row.official is None and row.status == "ungraded" for row in scores)
    with Grader.of(Benchmark("demo", "own", "", "", "", ITEMS)) as grader:
        graded = [row for row in grader(scores) if isinstance(row, Score)]
    assert all(row.official and row.strict for row in graded)
    assert graded[0].prompt.endswith("assert f(0) == ??\n[/PYTHON]\n[THOUGHT]")


def test_generate_asks_only_for_what_is_missing() -> None:
    teacher = FakeTeacher(answer)
    rows = list(generate(ITEMS, teacher, GenerationConfig("demo", "direct"), done={("s0", 0), ("s1", 0)}))
    assert len(teacher.asked) == 1
    assert [row.item_id for row in rows if isinstance(row, Score)] == ["s2"]


def test_generate_raw_text_for_base_models_stops_at_the_end_tag() -> None:
    teacher = FakeTeacher(answer)
    list(generate(ITEMS[:1], teacher, GenerationConfig("demo", "monologue", chat=False, max_tokens=7)))
    [request] = teacher.asked
    assert request.prompt is not None
    assert (request.stop, request.max_tokens) == (("[/ANSWER]",), 7)


@pytest.mark.parametrize("wrong", [{"samples": 0}, {"max_tokens": 0}, {"samples": 2}])
def test_generation_config_that_makes_no_sense_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError):
        GenerationConfig("demo", "direct", **wrong)  # type: ignore[arg-type]
