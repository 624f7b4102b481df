"""Which questions a recipe asks about a run, without asking them."""

from dataclasses import replace

import pytest

from pipelines.evaluate import questions
from pipelines.recipes import Exam, Recipe, beyond, demo
from ray_app.mixture import MixtureConfig
from tests.report.run import write_run


def asking(*exams: Exam) -> Recipe:
    recipe = demo()
    synthesize = replace(recipe.synthesize, mixture=MixtureConfig(held_out_fraction=0.99))
    return replace(recipe, synthesize=synthesize, evaluate=replace(recipe.evaluate, exams=exams))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_run(tmp_path_factory.mktemp("run"), 12))


def test_questions_carry_what_the_exam_wants_to_know(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = asking(
        Exam("held_out", "monologue", items=6, max_tokens=64, fidelity=True),
        Exam("held_out", "direct", items=4, max_tokens=64, variant="renamed"),
        Exam("probes", "direct", items=3, max_tokens=16),
        Exam("humaneval", "direct", items=2, max_tokens=64, rounds=2),
        Exam("cruxeval_output", "direct", items=2, max_tokens=64),
    )
    asked = list(questions(recipe, root))
    found = [(q.generation.benchmark, q.item.task, q.fidelity, q.rounds) for q in asked]
    assert found[:6].count(("held_out", "output", True, 0)) == 3
    assert found[6:10].count(("held_out_renamed", "output", False, 0)) == 2
    assert found[10:13] == [("probes", "probe", False, 0)] * 3
    assert found[13:] == [("humaneval", "code", False, 2)] * 2
    assert all("out = start" not in q.item.code for q in asked[6:10])
    said = capsys.readouterr().out
    assert "cruxeval_output left out: set evaluate.data" in said
    assert "probes, direct: 3 items. The first prompt:" in said


def test_beyond_measures_process_and_robustness() -> None:
    exams = beyond().evaluate.exams
    assert any(exam.fidelity for exam in exams)
    assert {exam.variant for exam in exams} == {"", "renamed", "reformatted"}
    assert any(exam.benchmark == "probes" for exam in exams)
    assert any(exam.rounds for exam in exams)
