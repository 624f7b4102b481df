"""Which questions a recipe asks about a run, without asking them."""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import ray
from transformers import AutoTokenizer

from pipelines import evaluate as pipeline
from pipelines.evaluate import headlines, papers, publish, texts
from pipelines.recipes import ClaimExam, Exam, Recipe, beyond, demo, refine
from ray_app.mixture import MixtureConfig
from ray_app.records import ClaimScore, Score
from ray_app.store import Dataset, Ledger, Plan
from ray_app.teacher.endpoint import Place
from tests.report.run import HOSTILE, write_run
from tests.teacher.endpoint import Answer, said, serve
from tests.training.training_kit import build_model


def asking(*exams: Exam) -> Recipe:
    recipe = demo()
    synthesize = replace(recipe.synthesize, mixture=MixtureConfig(held_out_fraction=0.99))
    return replace(recipe, synthesize=synthesize, evaluate=replace(recipe.evaluate, exams=exams))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_run(tmp_path_factory.mktemp("run"), 12))


@pytest.fixture
def cluster() -> Iterator[None]:
    ray.init(address="local", num_cpus=3, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.usefixtures("cluster")
def test_several_workers_ask_at_once_and_write_the_scores_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, busy, most = threading.Lock(), 0, 0

    def reply(body: dict[str, Any], _: int) -> Answer:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.05)
        with lock:
            busy -= 1
        return said("```python\ndef add(x, y):\n    return x + y\n```" if "add(" in str(body) else "")

    recipe = asking(Exam("humaneval", "direct", items=160, max_tokens=64))
    recipe = replace(recipe, evaluate=replace(recipe.evaluate, concurrency=1))
    made: dict[int, list[bytes]] = {}
    at_once: dict[int, int] = {}
    for per_worker in (1_024, 64):
        monkeypatch.setattr(pipeline, "_QUESTIONS_PER_WORKER", per_worker)
        root, most = tmp_path / str(per_worker), 0
        with serve(reply) as endpoint:
            pipeline.evaluate(recipe, str(root), Place(endpoint.url), ("base",))
        made[per_worker] = [path.read_bytes() for path in sorted((root / "scores-base").glob("*.parquet"))]
        at_once[per_worker] = most
    assert at_once[1_024] == 1 < at_once[64]
    assert len(made[64]) == 3
    assert made[64] == made[1_024]
    assert sum(row.official is True for row in Dataset(str(tmp_path / "64"), "scores-base").read(Score)) == 1


def test_questions_carry_what_the_exam_wants_to_know(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = asking(
        Exam("held_out", "monologue", items=6, max_tokens=64, fidelity=True),
        Exam("held_out", "direct", items=4, max_tokens=64, variant="renamed"),
        Exam("probes", "direct", items=3, max_tokens=16),
        Exam("humaneval", "direct", items=2, max_tokens=64, rounds=2),
        Exam("cruxeval_output", "direct", items=2, max_tokens=64),
    )
    asked = [question for paper in papers(recipe, root) for question in paper.questions()]
    found = [(q.generation.benchmark, q.item.task, q.fidelity, q.rounds) for q in asked]
    assert found[:6].count(("held_out", "output", True, 0)) == 3
    assert found[6:10].count(("held_out_renamed", "output", False, 0)) == 2
    assert found[10:13] == [("probes", "probe", False, 0)] * 3
    assert found[13:] == [("humaneval", "code", False, 2)] * 2
    assert all("out = start" not in q.item.code for q in asked[6:10])
    said = capsys.readouterr().out
    assert "cruxeval_output left out: set evaluate.data" in said
    assert "probes, direct: 3 items, at most 16 tokens to answer. The first prompt:" in said


def test_beyond_measures_process_and_robustness() -> None:
    exams = beyond().evaluate.exams
    assert any(exam.fidelity for exam in exams)
    assert {exam.variant for exam in exams} == {"", "renamed", "reformatted"}
    assert any(exam.benchmark == "probes" for exam in exams)
    assert any(exam.rounds for exam in exams)


def test_refine_repairs_before_and_after_training_on_repairs() -> None:
    """`evaluate` asks the base and the tuned model the same: zero-shot, and after PyX-R."""
    assert refine().train.mixture == (("repair", 1.0),)
    assert all(exam.rounds for exam in refine().evaluate.exams)


def test_what_was_asked_and_where_it_was_graded_is_published_with_the_official_files(tmp_path: Path) -> None:
    root = str(tmp_path)
    recipe = asking(Exam("humaneval", "direct", items=2, max_tokens=64, rounds=1))
    [paper] = papers(recipe, root)
    first, second = (item.id for item in paper.benchmark.items)
    rows = [
        Score("humaneval_repair", first, 0, "m", "", "repair: 1 attempts", "x = 1", False, False, "exception"),
        Score("humaneval_repair", second, 0, "m", "", "repair: 2 attempts", "x = 2", True, True, "pass"),
    ]
    scores = Dataset(root, "scores-base")
    scores.begin(Plan({}, {}, {}))
    scores.write_shard(0, Score, rows, [], Ledger())
    scores.finish()
    publish([paper], root, ["base"])
    record = json.loads((tmp_path / "official" / "exams.json").read_text())
    assert record["environment"]["grader"]
    assert record["exams"][0] | {"name": "humaneval", "items": 2, "rounds": 1} == record["exams"][0]
    assert record["exams"][0]["sha256"] == paper.benchmark.sha256
    assert record["exams"][0]["version"] != "unpinned"
    assert "def " in record["exams"][0]["first_prompt"]
    folder = tmp_path / "official" / "base" / "humaneval_repair"
    assert len((folder / "samples.jsonl").read_text().splitlines()) == 2
    results = json.loads((folder / "samples_eval_results.json").read_text())
    assert results["eval"][second][0]["base_status"] == "pass"


def test_an_exam_held_in_two_ways_with_other_items_is_published_whole(tmp_path: Path) -> None:
    root = str(tmp_path)
    ways = [Exam("humaneval", way, items=count, max_tokens=64) for way, count in (("direct", 3), ("cot", 1))]
    held = [paper for exam in ways for paper in papers(asking(exam), root)]
    scores = Dataset(root, "scores-base")
    scores.begin(Plan({}, {}, {}))
    rows = [
        Score("humaneval", item.id, 0, "m", paper.exam.prompt_format, "", "x = 1", False, False, "wrong")
        for paper in held
        for item in paper.benchmark.items
    ]
    scores.write_shard(0, Score, rows, [], Ledger())
    scores.finish()
    publish(held, root, ["base"])
    counts = {
        folder.name: len((folder / "samples.jsonl").read_text().splitlines())
        for folder in (tmp_path / "official" / "base").iterdir()
    }
    assert counts == {"humaneval-direct": 3, "humaneval-cot": 1}


def test_the_terminal_says_how_answers_ended_and_what_was_chosen(root: str) -> None:
    said = headlines(root)
    assert "claims: next line" in said
    assert "claims: values" in said
    assert " of 8 " in said
    assert "cut " in said
    assert HOSTILE not in said


def test_caps_lie_above_the_right_answers_and_longer_ones_are_left_out(
    root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = asking(
        Exam("held_out", "direct", items=6),
        Exam("held_out", "monologue", items=4),
        Exam("held_out", "monologue", items=4, longest=1),
        Exam("humaneval", "direct", items=3),
    )
    recipe = replace(recipe, model=str(build_model(tmp_path)))
    direct, told, program = papers(recipe, root)
    tokenizer = AutoTokenizer.from_pretrained(recipe.model)
    right = "[ANSWER]assert total([2, 5]) == 7[/ANSWER]"
    assert direct.generation.max_tokens > len(tokenizer(right)["input_ids"])
    assert told.generation.max_tokens > direct.generation.max_tokens
    golds = [item.gold for item in program.benchmark.items]
    assert program.generation.max_tokens > max(len(tokenizer(gold)["input_ids"]) for gold in golds)
    said = capsys.readouterr().out
    assert "held_out left out: no item fits" in said
    assert f"at most {told.generation.max_tokens} tokens to answer" in said


@pytest.mark.usefixtures("cluster")
def test_claim_accuracy_is_asked_of_every_model_and_skipped_when_it_is_there(
    root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = asking()
    recipe = replace(
        recipe,
        model=str(build_model(tmp_path / "model", context=1_024)),
        evaluate=replace(recipe.evaluate, claims=ClaimExam(texts=3, max_length=1_024)),
    )
    place = str(tmp_path / "run")
    shutil.copytree(root, place, ignore=shutil.ignore_patterns("scores-*", "claims-*"))

    def reply(body: dict[str, Any], _: int) -> Answer:
        count = len(body["prompt"])
        top = [{".": -1.0}] * count
        logprobs = {"token_logprobs": [None, *[-1.0] * (count - 1)], "top_logprobs": top}
        return 200, {"choices": [{"text": "", "finish_reason": "length", "logprobs": logprobs}], "usage": {}}

    with serve(reply) as endpoint:
        for _ in range(2):
            pipeline.evaluate(recipe, place, Place(endpoint.url), ("base",))
    assert len(endpoint.bodies) == 2
    rows = list(Dataset(place, "claims-base").read(ClaimScore))
    assert len(rows) == sum(len(one.placed) for one in texts(recipe, place))
    assert all(row.right and row.chosen.startswith(".") for row in rows)
    assert "2 held-out texts" in capsys.readouterr().out
