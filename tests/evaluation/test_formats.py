import json
from pathlib import Path

import pytest

from ray_app.errors import InputError
from ray_app.evaluation import formats
from ray_app.evaluation.items import Benchmark, Item
from ray_app.records import Score

CODE = Benchmark(
    "demo", "own", "md5", "sha", "", tuple(Item(f"T/{i}", "code", "def f():\n", "f", "") for i in range(2))
)
PREDICTIONS = Benchmark(
    "demo", "own", "md5", "sha", "", tuple(Item(f"sample_{i}", "output", "", "f", "", "f(1)", "2") for i in range(2))
)


def samples(tmp_path: Path, text: str, benchmark: Benchmark) -> formats.Samples:
    path = tmp_path / "samples"
    path.write_text(text)
    return formats.read_samples(path, benchmark)


def lines(*rows: dict[str, object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_read_completion_is_joined_to_the_prompt_and_solution_is_not(tmp_path: Path) -> None:
    text = lines(
        {"task_id": "T/0", "completion": "    pass"},
        {"task_id": "T/1", "solution": "x"},
        {"task_id": "T/0", "solution": "y"},
    )
    read = samples(tmp_path, text, CODE)
    found = [(row.item_id, row.sample, row.generation) for row in read.rows]
    assert found == [("T/0", 0, "def f():\n    pass"), ("T/0", 1, "y"), ("T/1", 0, "x")]
    assert read.missing == read.unknown == ()


def test_read_reports_unknown_and_missing_ids(tmp_path: Path) -> None:
    read = samples(tmp_path, lines({"task_id": "T/0", "solution": "x"}, {"task_id": "T/9", "solution": "x"}), CODE)
    assert (read.unknown, read.missing) == (("T/9",), ("T/1",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("{", "line 1: not JSON"),
        (lines({"solution": "x"}), "line 1: no task_id"),
        (lines({"task_id": "T/0"}), "neither solution nor completion"),
        (lines({"task_id": "T/0", "solution": ["x"]}), "is not text"),
        (lines({"task_id": "X/0", "solution": "x"}), "no id belongs to demo"),
        (lines(*[{"task_id": "T/0", "sample": 3, "solution": "x"}] * 2), "sample 3 of T/0 is already in line 1"),
        ('{"task_id": "T/0", "task_id": "T/1", "solution": "x"}', "duplicate id task_id"),
    ],
)
def test_read_bad_samples_are_refused_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        samples(tmp_path, text, CODE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "expected an object"),
        ("{}", "holds no generations"),
        ('{"sample_0": []}', "sample_0 has no generations"),
        ('{"sample_0": "2"}', "must be a list of texts"),
        ('{"sample_0": ["2"], "sample_0": ["3"]}', "duplicate id sample_0"),
        ('{"other": ["2"]}', "no id belongs to demo"),
    ],
)
def test_read_bad_generations_are_refused_with_the_id(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        samples(tmp_path, text, PREDICTIONS)


def test_mbpp_numbers_are_read_as_evalplus_ids(tmp_path: Path) -> None:
    mbpp = Benchmark("mbpp", "own", "", "", "", (Item("Mbpp/7", "code", "", "f", ""),))
    assert samples(tmp_path, lines({"task_id": 7, "solution": "x"}), mbpp).rows[0].item_id == "Mbpp/7"


def row(item: str, sample: int, generation: str, official: bool, status: str) -> Score:
    return Score("demo", item, sample, "m", "", "", generation, official, official, status)


def test_scored_file_lists_verdicts_as_the_official_scorer_does() -> None:
    rows = [
        row("sample_0", 0, "2", True, "pass"),
        row("sample_0", 1, "f(1)", False, "malformed"),
        row("sample_1", 0, "f(1)", False, "malformed"),
        row("sample_1", 1, "7", False, "wrong"),
    ]
    found = json.loads(formats.official_files(PREDICTIONS, rows)["scored.json"])
    assert found["raw_scored_generations"] == {"sample_0": [True], "sample_1": [False, False]}
    assert found["raw_generations"] == {"sample_0": ["2", "f(1)"], "sample_1": ["f(1)", "7"]}
    assert found["pass_at_1"] == 50


def test_generations_written_are_read_back(tmp_path: Path) -> None:
    rows = [row("sample_0", 0, "2", True, "pass"), row("sample_1", 0, "3", False, "wrong")]
    (tmp_path / "g.json").write_text(formats.official_files(PREDICTIONS, rows)["generations.json"])
    assert [r.generation for r in formats.read_samples(tmp_path / "g.json", PREDICTIONS).rows] == ["2", "3"]


def test_evalplus_files_carry_solutions_statuses_and_the_data_hash(tmp_path: Path) -> None:
    rows = [row("T/0", 0, "a", True, "pass"), row("T/1", 0, "b", False, "base=pass plus=timeout")]
    ungraded = Score("demo", "T/1", 1, "m", "", "", "c", None, None, "infrastructure")
    found = json.loads(formats.official_files(CODE, [*rows, ungraded])["samples_eval_results.json"])
    assert found["hash"] == "md5"
    statuses = {key: (one["base_status"], one["plus_status"]) for key, [one] in found["eval"].items()}
    assert statuses == {"T/0": ("pass", "pass"), "T/1": ("pass", "timeout")}
    (tmp_path / "s.jsonl").write_text(formats.official_files(CODE, rows)["samples.jsonl"])
    assert [r.generation for r in formats.read_samples(tmp_path / "s.jsonl", CODE).rows] == ["a", "b"]


def test_verdict_rows_have_exactly_the_promised_keys(tmp_path: Path) -> None:
    formats.write_verdicts(tmp_path / "v.jsonl", [row("T/0", 0, "a", True, "pass")])
    assert json.loads((tmp_path / "v.jsonl").read_text()) == {
        "id": "T/0",
        "sample": 0,
        "official": True,
        "strict": True,
        "status": "pass",
        "reason": "",
    }
