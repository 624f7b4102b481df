"""The commands as a user types them: what they print, what they write, how they refuse."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ray_app import __version__
from ray_app.cli import app
from ray_app.tracing.render import RENDERINGS

CODE = "def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n"


def semray(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(CODE)
    return path


@pytest.mark.parametrize("form", [*RENDERINGS, "monologue"])
def test_trace_prints_each_form_with_the_values(program, form):
    done = semray("trace", program, "--call", "f(3)", "--format", form)
    assert done.exit_code == 0, done.output
    assert "total" in done.stdout
    assert "3" in done.stdout


def test_trace_shows_the_record_where_no_form_is_asked_for(program):
    done = semray("trace", program, "--call", "f(3)")
    assert done.exit_code == 0, done.output
    assert "L4  total += i  |  total += i -> 1" in done.stdout
    assert done.stdout.endswith("f(3) gives 3\n")


@pytest.mark.parametrize("form", ["record", "concise", "json"])
def test_trace_of_a_call_without_an_end_says_so_and_exits_1(tmp_path, form):
    endless = tmp_path / "endless.py"
    endless.write_text("def f(n):\n    while True:\n        n += 1\n")
    done = semray("trace", endless, "--call", "f(1)", "--format", form)
    assert done.exit_code == 1
    assert "timeout-cpu" in done.stderr


def test_version_is_printed():
    done = semray("--version")
    assert (done.exit_code, done.stdout) == (0, f"semray {__version__}\n")


def test_trace_json_is_the_execution(program):
    row = json.loads(semray("trace", program, "--call", "f(3)", "--format", "json").stdout)
    assert (row["call"], row["status"], row["output"]) == ("f(3)", "ok", "3")
    assert [event["line"] for event in row["trace"]["events"] if event["kind"] == "line"] == [2, 3, 4, 3, 4, 3, 4, 3, 5]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--call", "f(3)", "--format", "song"], "--format song: use json"), (["--call", "f("], "'(' was never closed")],
)
def test_trace_of_a_wrong_option_is_one_line_with_the_remedy(program, arguments, told):
    done = semray("trace", program, *arguments)
    assert done.exit_code == 1
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_execute_writes_one_row_per_program_in_order(tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = [
        {"id": "a", "code": CODE, "calls": ["f(3)", "f('x')"]},
        {"id": 7, "code": "def f(:", "calls": ["f(1)"]},
        {"id": None, "code": "def f():\n    while True: pass", "calls": ["f()"]},
    ]
    source.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    done = semray("execute", source, "--out", out)
    assert done.exit_code == 0, done.output
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["id"] for row in found] == ["a", 7, None]
    calls = [call for row in found for call in row["calls"]]
    assert [(call["status"], call["output"]) for call in calls] == [
        ("ok", "3"),
        ("exception", None),
        ("compile-error", None),
        ("timeout-cpu", None),
    ]
    keys = {"call", "status", "output", "exception", "stdout", "cpu_us", "flags", "trace", "stderr"}
    assert all(set(call) == keys for call in calls)


def test_execute_without_traces_in_the_fast_lane_gives_the_same_outputs(tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = [{"id": n, "code": CODE, "calls": [f"f({n})"]} for n in range(60)]
    source.write_text("\n".join(map(json.dumps, rows)))
    assert semray("execute", source, "--out", out, "--no-trace", "--lane", "fast").exit_code == 0
    calls = [json.loads(line)["calls"][0] for line in out.read_text().splitlines()]
    assert [call["output"] for call in calls] == [str(sum(range(n))) for n in range(60)]
    assert {call["trace"] for call in calls} == {None}


@pytest.mark.parametrize("line", ["{", "[]", '{"id": 1}', '{"id": 1, "code": 2, "calls": []}'])
def test_execute_of_a_bad_line_names_file_and_line(tmp_path, line):
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"id": 0, "code": "", "calls": ["1"]}) + "\n" + line + "\n")
    done = semray("execute", source, "--out", tmp_path / "out.jsonl")
    assert done.exit_code == 1
    assert f"{source}, line 2" in done.stderr
    assert (tmp_path / "out.jsonl").exists()


def test_execute_of_a_missing_file_names_it(tmp_path):
    done = semray("execute", tmp_path / "none.jsonl", "--out", tmp_path / "out.jsonl")
    assert done.exit_code == 1
    assert "none.jsonl" in done.stderr


def test_doctor_lists_every_layer_and_refuses_a_missing_one():
    done = semray("doctor")
    assert done.exit_code == 0, done.output
    for layer in ("seccomp", "rlimits", "namespaces", "self-test"):
        assert layer in done.stdout
    assert semray("doctor", "--require-layers", "no-such-layer").exit_code != 0
