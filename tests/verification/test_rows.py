"""`semray verify`: every row gets a verdict; files, plain texts, and what is no JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ray_app.cli import app
from ray_app.verification.rows import verify_lines

CODE = "def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n"
TOLD = (
    "total becomes 0. Iteration 2: total becomes 1. Iteration 3: total becomes 3. Returns 3.\n"
    "[ANSWER]assert f(3) == 3[/ANSWER]"
)
ROW = {"id": "a", "code": CODE, "call": "f(3)", "output": "3", "direction": "forward", "monologue": TOLD}


def verdict(**changes: object) -> dict[str, object]:
    return next(verify_lines([json.dumps({**ROW, **changes})]))


def test_verify_lines_true_row_is_accepted_in_the_stated_form():
    row = verdict()
    assert row["accepted"], row
    assert list(row) == ["id", "accepted", "reason", "claims"]
    assert {"text", "kind", "verdict", "evidence"} == set(row["claims"][0])  # type: ignore[index]


@pytest.mark.parametrize(
    "changes",
    [
        {"output": "4"},
        {"code": "def f(:"},
        {"call": "g(3)"},
        {"call": "f(3"},
        {"call": "f('x')"},
        {"direction": "sideways"},
        {"monologue": ""},
        {"monologue": TOLD.replace("becomes 1", "becomes 2")},
        {"monologue": "The function returns 3.\n[ANSWER]assert f(3) == 3[/ANSWER]"},
        {"code": None},
        {"code": "def f(n):\n    while True:\n        n += 1\n"},
    ],
)
def test_verify_lines_bad_row_is_a_verdict_with_a_reason(changes):
    row = verdict(**changes)
    assert row["accepted"] is False
    assert row["reason"]
    assert row["id"] == "a"


def test_verify_lines_call_that_raises_may_be_told():
    told = "`n` is 'x'. [L3] This raises `TypeError`.\n[ANSWER]f('x') raises TypeError[/ANSWER]"
    row = verdict(call="f('x')", output="TypeError", monologue=told)
    assert row["accepted"], row


def test_verify_lines_garbage_keeps_its_place():
    rows = list(verify_lines(["nonsense", "[1]", json.dumps(ROW)]))
    assert [row["accepted"] for row in rows] == [False, False, True]


def test_command_line_verify_writes_one_verdict_per_row(tmp_path: Path):
    (tmp_path / "in.jsonl").write_text(json.dumps(ROW) + "\n" + json.dumps({**ROW, "id": "b", "output": "9"}) + "\n")
    out = tmp_path / "out.jsonl"
    result = CliRunner().invoke(app, ["verify", str(tmp_path / "in.jsonl"), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["accepted"] for line in out.read_text().splitlines()] == [True, False]


def test_command_line_verify_of_bad_json_names_the_row_and_exits_1(tmp_path: Path):
    (tmp_path / "in.jsonl").write_text(json.dumps(ROW) + "\nnonsense\n")
    result = CliRunner().invoke(app, ["verify", str(tmp_path / "in.jsonl"), "--out", str(tmp_path / "out.jsonl")])
    assert result.exit_code == 1
    assert "row 2 is no JSON" in result.output


def test_command_line_verify_takes_a_plain_text_from_standard_input(tmp_path: Path):
    (tmp_path / "p.py").write_text(CODE)
    options = ["verify", "-", "--program", str(tmp_path / "p.py"), "--call", "f(3)"]
    true = CliRunner().invoke(app, options, input=TOLD)
    assert true.exit_code == 0, true.output
    assert true.output.endswith("accepted\n")
    false = CliRunner().invoke(app, options, input=TOLD.replace("becomes 3", "becomes 4"))
    assert false.exit_code == 1
    assert "- total becomes 4" in false.output
