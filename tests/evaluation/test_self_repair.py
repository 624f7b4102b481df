from pathlib import Path

import pytest

from ray_app.evaluation import benchmarks, self_repair
from ray_app.evaluation.generate import GenerationConfig
from ray_app.evaluation.grade import grade_all
from ray_app.evaluation.items import CHECK, Benchmark, Item
from ray_app.evaluation.verdicts import Executor
from ray_app.records import Score
from tests.evaluation.fake_teacher import FakeTeacher

TEST = f"def {CHECK}(candidate):\n    assert candidate(1) == 2\n    assert candidate(-1) == 0\n"
ITEM = Item("T/0", "code", "", "add", "", description="Add one to n.", test=TEST)
BENCHMARK = Benchmark("demo", "own", "", "", "", (ITEM,))
WRONG = "```python\ndef add(n):\n    return abs(n) + 1\n```"
FIXED = "abs is the cause.\n[Refined]\n```python\ndef add(n):\n    return n + 1\n```\n[/Refined]"


def config(rounds: int = 3, budget: int = 1000) -> self_repair.RepairConfig:
    return self_repair.RepairConfig(GenerationConfig("demo", "direct", max_tokens=100), rounds, budget)


def test_repair_shows_the_failing_test_and_ends_when_all_pass(executor: Executor) -> None:
    teacher = FakeTeacher(lambda prompt: FIXED if "Debug and Refine" in prompt else WRONG)
    [attempts] = self_repair.repair(BENCHMARK, teacher, config(), executor)
    assert len(attempts.programs) == 2
    shown = teacher.asked[1].messages[0]["content"]
    assert "assert add(-1) == 0" in shown
    assert "abs(n) + 1" in shown
    [row] = grade_all(BENCHMARK, [attempts.score(config(), "fake", "repair")])
    assert isinstance(row, Score)
    assert row.strict


def test_repair_that_never_succeeds_ends_after_its_rounds(executor: Executor) -> None:
    teacher = FakeTeacher(lambda _: WRONG)
    [attempts] = self_repair.repair(BENCHMARK, teacher, config(rounds=2), executor)
    assert len(teacher.asked) == 3
    assert attempts.programs[-1] == "def add(n):\n    return abs(n) + 1"


def test_repair_never_asks_beyond_its_token_budget(executor: Executor) -> None:
    teacher = FakeTeacher(lambda _: WRONG, tokens=40)
    [attempts] = self_repair.repair(BENCHMARK, teacher, config(rounds=9, budget=100), executor)
    assert [request.max_tokens for request in teacher.asked] == [100, 60, 20]
    assert sum(attempts.tokens) >= 100


def test_resample_starts_from_the_task_with_another_seed(executor: Executor) -> None:
    teacher = FakeTeacher(lambda _: WRONG)
    list(self_repair.resample(BENCHMARK, teacher, config(rounds=2), executor))
    assert [request.seed for request in teacher.asked] == [0, 1, 2]
    assert len({request.messages[0]["content"] for request in teacher.asked}) == 1


@pytest.mark.parametrize("name", ["humaneval", "mbpp"])
def test_failing_test_is_found_in_real_items_and_gold_has_none(name: str, data: Path, executor: Executor) -> None:
    benchmark = benchmarks.load(name, data)
    for item in benchmark.items[:8]:
        assert self_repair.failing_test(benchmark, item, item.gold, executor) is None
        broken = f"def {item.entry}(*args):\n    return NotImplemented\n"
        found = self_repair.failing_test(benchmark, item, broken, executor)
        assert found is not None
        assert item.entry in found


def test_refined_program_is_taken_from_its_tags() -> None:
    assert self_repair.refined(FIXED) == "def add(n):\n    return n + 1"
    assert self_repair.refined("[Refined]x = 1") == "x = 1"
    assert self_repair.refined("no idea") == ""
