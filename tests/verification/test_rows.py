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


FALSE = TOLD.replace("becomes 3", "becomes 4")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "p.py"
    path.write_text(CODE)
    return path


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROW),
        json.dumps(ROW, indent=2),
        json.dumps([ROW, ROW]),
        json.dumps([ROW], indent=1),
        json.dumps({"program": CODE, "call": "f(3)", "text": TOLD}),
        f"\n{json.dumps(ROW)}\n\n",
    ],
)
def test_verify_lines_any_form_of_json_with_the_fields_is_read(text):
    rows = list(verify_lines(text.splitlines(keepends=True)))
    assert rows
    assert all(row["accepted"] for row in rows), rows


@pytest.mark.parametrize(
    "row",
    [
        {"code": "x = '\ud800'\ndef f(n):\n    return x", "call": "f(3)", "monologue": "\ud800 is 3"},
        {"code": "(" * 9000, "call": "f(3)", "monologue": TOLD},
        {"code": CODE + "\0", "call": "f(3)", "monologue": TOLD},
        {"code": CODE, "call": "f(" * 500, "monologue": TOLD},
        {"code": CODE, "call": "f(3)", "monologue": "[ANSWER]" + "(" * 3000},
        {"code": CODE, "call": "f(3)", "monologue": TOLD, "output": 3},
        {"code": CODE, "call": "f(3)", "monologue": TOLD, "direction": ["forward"]},
        {"id": {"a": [1]}, "code": 1},
        {},
    ],
)
def test_command_line_verify_odd_row_is_a_verdict_and_no_traceback(row, tmp_path: Path):
    (tmp_path / "in.jsonl").write_text(json.dumps(row))
    result = CliRunner().invoke(app, ["verify", str(tmp_path / "in.jsonl"), "--edit", "--out", str(tmp_path / "o")])
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "o").read_text())["accepted"] is False


def test_command_line_verify_without_out_writes_verdicts_to_standard_output():
    result = CliRunner().invoke(app, ["verify", "-"], input=json.dumps(ROW))
    assert result.exit_code == 0
    assert json.loads(result.stdout)["accepted"]


def test_command_line_verify_explain_colours_each_sentence_and_gives_its_evidence(program: Path):
    options = ["verify", "-", "--program", str(program), "--call", "f(3)", "--explain"]
    result = CliRunner().invoke(app, options, input=FALSE, color=True)
    assert result.exit_code == 1
    assert "\x1b[32m+ total becomes 0\x1b[0m" in result.output
    assert "\x1b[31m- Iteration 3: total becomes 4\x1b[0m" in result.output
    assert "total is 3" in result.output
    assert "\x1b[" not in CliRunner().invoke(app, options, input=FALSE).output


def test_command_line_verify_edit_writes_the_corrected_text_alone_to_standard_output(program: Path):
    options = ["verify", "-", "--program", str(program), "--call", "f(3)", "--edit"]
    result = CliRunner().invoke(app, options, input=FALSE + "\n")
    assert result.exit_code == 0, result.output
    assert result.stdout == TOLD + "\n"
    assert "corrected: '4' -> '3'" in result.stderr


def test_command_line_verify_edit_of_rows_adds_the_text_and_its_edits(tmp_path: Path):
    out = tmp_path / "out.jsonl"
    row = json.dumps({**ROW, "monologue": FALSE})
    result = CliRunner().invoke(app, ["verify", "-", "--edit", "--out", str(out)], input=row)
    assert result.exit_code == 0, result.output
    found = json.loads(out.read_text())
    assert found["accepted"] is False
    assert (found["text"], found["refused"]) == (TOLD, "")
    assert [edit["after"] for edit in found["edits"]] == ["3"]


def test_command_line_verify_of_a_plain_text_without_its_program_says_what_is_missing():
    result = CliRunner().invoke(app, ["verify", "-"], input=TOLD)
    assert result.exit_code == 1
    assert "--program and --call" in result.stderr
