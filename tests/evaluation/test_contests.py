"""Whole programs graded in APPS' form: gold passes, corrupted gold fails, and says why."""

import json

import pytest

from ray_app.errors import InputError
from ray_app.evaluation import benchmarks
from ray_app.evaluation.command import grade_file
from ray_app.evaluation.prompts import prompt

SUM = "import sys\ndata = sys.stdin.buffer.read().split()\nprint(sum(map(int, data[1:])))\n"
TWICE = "twice = lambda xs: [2 * x for x in xs]"
METHOD = "class Solution:\n    def twice(self, xs: List[int]) -> List[int]:\n        return [2 * x for x in xs]\n"


@pytest.fixture
def folder(tmp_path):
    sums = {"inputs": ["2\n3 4\n", ["1", "5"]], "outputs": ["7\n", ["5"]]}
    twice = {"fn_name": "twice", "inputs": [[[1]]], "outputs": [[[2]]]}
    rows = [
        {"id": 7, "question": "Add.", "input_output": json.dumps(sums), "solutions": json.dumps([SUM])},
        {"id": 8, "question": "Double.", "input_output": json.dumps(twice)},
        {"id": 9, "question": "No tests.", "input_output": ""},
    ]
    (tmp_path / "apps.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def graded(folder, samples: object) -> dict[str, list[tuple[bool, bool, str, str]]]:
    (folder / "samples.json").write_text(json.dumps(samples))
    grade_file("apps", folder / "samples.json", folder / "verdicts.jsonl", folder, workers=1)
    found: dict[str, list[tuple[bool, bool, str, str]]] = {}
    for line in (folder / "verdicts.jsonl").read_text().splitlines():
        row = json.loads(line)
        found.setdefault(row["id"], []).append((row["official"], row["strict"], row["status"], row["reason"]))
    return found


def test_apps_generations_are_graded_by_what_they_print_and_return(folder):
    programs = {
        SUM: (True, True, "pass", ""),
        SUM.replace("data[1:]", "[3, 4]"): (False, False, "wrong", ""),
        SUM + "sys.exit(1)": (True, False, "pass", ""),
        SUM + "1 / 0": (False, False, "exception", ""),
        SUM + "import time\ntime.sleep(7)": (False, False, "timeout", ""),
        "import socket\nsocket.socket()": (False, False, "refused", "the sandbox refuses sockets"),
        SUM + "print(data": (False, False, "syntax", ""),
        "n = int(input())\nif __name__ == '__main__':\n    print(sum(map(int, input().split())))": (
            True,
            True,
            "pass",
            "",
        ),
    }
    verdicts = graded(folder, {"7": list(programs), "8": [TWICE, METHOD, TWICE.replace("2", "3")]})
    assert verdicts["7"] == list(programs.values())
    assert [verdict[0] for verdict in verdicts["8"]] == [True, True, False]


def test_apps_problems_without_tests_are_named(folder):
    assert benchmarks.load("apps", folder).left_out == ("9: no tests",)


def test_programs_without_a_function_are_asked_for_as_programs(folder):
    items = {item.id: item for item in benchmarks.load("apps", folder).items}
    assert "reads standard input" in prompt(items["7"], "direct")
    assert "function named twice" in prompt(items["8"], "direct")


@pytest.mark.parametrize("samples", [{"7": "x"}, {"7": []}, {"none": [SUM]}])
def test_bad_samples_are_named(folder, samples):
    with pytest.raises(InputError):
        graded(folder, samples)
