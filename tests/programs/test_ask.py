"""Asking a teacher for programs: parsing, execution, repair with feedback, against a real endpoint on loopback."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ray_app.errors import InputError, TeacherError
from ray_app.programs.ask import AskConfig, ask, requests, seeds
from ray_app.programs.mine import MineConfig
from ray_app.programs.sources import files
from ray_app.programs.workers import Asking, ask_teacher
from ray_app.records import Program, Reject, Seed, content_id
from ray_app.stage import Spend
from ray_app.teacher.client import OpenAITeacher
from ray_app.teacher.endpoint import Endpoint
from ray_app.teacher.prompts import load
from tests.teacher.endpoint import said, serve

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "kodcode" / "kodcode_demo_232.jsonl.gz"


def seed(code: str) -> Seed:
    return Seed(content_id("seed", code), code, "pkg==1:m.py:3", "MIT")


SEEDS = [seed(f"for i in range({i}):\n    total += {i}\n") for i in range(6)]
GOOD = (
    "Add one to a number and return it.\n```python\ndef f(x):\n    y = x + 1\n    return y\n```\n```\nf(1)\nf(5)\n```"
)
RAISES = GOOD.replace("x + 1", "x + 'a'")


def rows_of(
    script: Any, config: AskConfig | None = None, rows: list[Seed] | None = None
) -> tuple[list[Program | Reject], Any]:
    with serve(script) as endpoint:
        teacher = OpenAITeacher(endpoint.url, "tiny", attempts=1, sleep=lambda s: None)
        return list(ask(rows or SEEDS[:1], teacher, config)), endpoint


def test_good_reply_becomes_a_program_with_provenance() -> None:
    (row,), endpoint = rows_of(lambda body, serial: said(GOOD))
    assert isinstance(row, Program)
    assert (row.source, row.entry, row.calls, row.license) == ("ask", "f", ("f(1)", "f(5)"), "MIT")
    assert row.description == "Add one to a number and return it."
    assert row.origin.startswith(f"tiny, prompt {load('program').version}, seed {SEEDS[0].id} (pkg==1:m.py:3), round 1")
    assert SEEDS[0].code.strip() in endpoint.bodies[0]["messages"][0]["content"]


def test_failing_program_goes_back_with_the_exception_and_is_repaired() -> None:
    (row,), endpoint = rows_of(lambda body, serial: said(RAISES if serial == 0 else GOOD))
    assert isinstance(row, Program)
    assert row.origin.endswith("round 2")
    assert row.drafts == (row.code.replace("x + 1", "x + 'a'"),)
    roles = [message["role"] for message in endpoint.bodies[1]["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert "TypeError: unsupported operand" in endpoint.bodies[1]["messages"][2]["content"]


def test_unreadable_reply_goes_back_and_is_a_reject_when_the_repairs_are_used_up() -> None:
    (row,), endpoint = rows_of(lambda body, serial: said("I cannot."), AskConfig(repairs=2))
    assert isinstance(row, Reject)
    assert row.reason == "no code"
    assert len(endpoint.bodies) == 3


def test_one_bad_reply_never_costs_the_batch_and_order_is_kept() -> None:
    def script(body: dict[str, Any], serial: int) -> Any:
        text = body["messages"][0]["content"]
        if "range(2)" in text:
            return 400, {"error": {"message": "too long"}}
        return said("nonsense" if "range(4)" in text else GOOD)

    rows, _ = rows_of(script, AskConfig(repairs=0), SEEDS)
    kinds = [row.reason if isinstance(row, Reject) else "ok" for row in rows]
    assert kinds == ["ok", "ok", "endpoint error", "ok", "no code", "ok"]


def test_second_run_with_a_cache_asks_nothing_and_gives_equal_rows(tmp_path: Path) -> None:
    with serve(lambda body, serial: said(RAISES if serial % 3 == 0 else GOOD)) as endpoint:
        first = list(ask(SEEDS, OpenAITeacher(endpoint.url, "tiny", cache_dir=tmp_path, concurrency=1)))
        asked = len(endpoint.bodies)
        second = list(ask(SEEDS, OpenAITeacher(endpoint.url, "tiny", cache_dir=tmp_path)))
    assert first == second
    assert len(endpoint.bodies) == asked


def test_spent_budget_stops_clearly_and_a_rerun_pays_for_the_rest_only(tmp_path: Path) -> None:
    with serve(lambda body, serial: said(GOOD, prompt_tokens=400, completion_tokens=50)) as endpoint:
        whom = Endpoint("tiny", url=endpoint.url, cache_dir=str(tmp_path), concurrency=2, max_tokens=2_000)
        config = AskConfig(max_tokens=100, repairs=0)
        with pytest.raises(TeacherError, match=r"budget of 2000 tokens is spent .* already paid for are cached"):
            list(ask_teacher(SEEDS, Asking(whom, config)))
        paid = len(endpoint.bodies)
        assert 0 < paid < len(SEEDS)
        rows = list(ask_teacher(SEEDS, Asking(replace(whom, max_tokens=10_000), config)))
        assert [type(row) for row in rows] == [Program] * len(SEEDS) + [Spend]
        assert rows[-1] == Spend(400 * (len(SEEDS) - paid), 50 * (len(SEEDS) - paid), 0.0)
        questions = [body["messages"][0]["content"] for body in endpoint.bodies]
    assert len(questions) == len(set(questions)) == len(SEEDS)


def test_dead_endpoint_stops_clearly() -> None:
    teacher = OpenAITeacher("http://127.0.0.1:9/v1", "tiny", attempts=1)
    with pytest.raises(TeacherError, match="start the endpoint"):
        list(ask(SEEDS, teacher))


def test_teacher_that_refuses_everything_is_an_error_and_not_an_empty_dataset() -> None:
    with serve(lambda body, serial: (400, {"error": {"message": "no chat template"}})) as endpoint:
        whom = Endpoint("base", url=endpoint.url, concurrency=1)
        with pytest.raises(
            TeacherError,
            match=r"6 of 6 replies of base gave no program, for one reason: endpoint error: .*no chat template",
        ):
            list(ask_teacher(SEEDS, Asking(whom, AskConfig(max_tokens=100))))


def test_dry_run_counts_one_request_per_seed() -> None:
    teacher = OpenAITeacher("http://127.0.0.1:9/v1", "tiny")
    estimate = teacher.estimate(requests(SEEDS, AskConfig(max_tokens=100)))
    assert (estimate.requests, estimate.completion_tokens) == (6, 600)


def test_seeds_are_parsable_snippets_with_licence_the_same_each_time(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(
        "def f(x):\n    for i in x:\n        if i:\n            x = i\n    return x\n\nx = 1\n"
    )
    (tmp_path / "bad.py").write_text("def (")
    found = list(seeds(files([tmp_path]), per_file=2, config=MineConfig(permissive_only=False)))
    assert found == list(seeds(files([tmp_path]), per_file=2, config=MineConfig(permissive_only=False)))
    good = [row for row in found if isinstance(row, Seed)]
    assert len(good) == 2
    assert all(row.origin.startswith(f"{tmp_path.name}:m.py:") for row in good)
    assert [row.reason for row in found if isinstance(row, Reject)] == ["unparsable"]
    assert [row.reason for row in seeds(files([tmp_path])) if isinstance(row, Reject)] == ["unparsable", "licence"]


def test_prompt_needs_its_values_and_lists_what_exists() -> None:
    with pytest.raises(InputError, match="needs a value for 'seed'"):
        load("program").render()
    with pytest.raises(InputError, match=r"choose one of .*program, repair"):
        load("poem")
    assert load("program").version != load("repair").version
    assert "$x" in load("program").render(seed="$x")


@pytest.mark.skipif(not DATA.exists(), reason="needs the recorded replies of ../shared/data/kodcode")
def test_recorded_replies_of_a_real_model_give_programs_that_run() -> None:
    recorded = [json.loads(line) for line in gzip.decompress(DATA.read_bytes()).splitlines()][:40]

    def script(body: dict[str, Any], serial: int) -> Any:
        row = recorded[int(body["messages"][0]["content"].split("range(")[1].split(")")[0])]
        return said(f"{row['question']}\n```python\n{row['solution']}\n```\n```python\n{row['test_code']}\n```")

    rows = [seed(f"for i in range({i}):\n    total += {i}\n") for i in range(40)]
    results, _ = rows_of(script, AskConfig(repairs=0), rows)
    assert len(results) == 40
    assert sum(isinstance(row, Program) for row in results) >= 18
