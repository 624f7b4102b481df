"""The same twenty programs through `execute`, `trace`, `grade` and `/run_code`: one answer."""

import json

import pytest

from ray_app.evaluation.grade import grade_all
from ray_app.evaluation.items import Benchmark, Item
from ray_app.records import Score
from ray_app.sandbox.api import execute, run
from ray_app.sandbox.command import execute_file
from ray_app.sandbox.scripts import Script
from ray_app.serving.run_code import run_code
from tests.sandbox.script_programs import PROGRAMS, Program

CHOSEN = """
    sum_two read_all buffer_read iterate until_eof fast_io unicode_io main_guard exit_three exit_text zero_division
    syntax_error file_round_trip tempfile_use threads_queue executor_map asyncio_gather decimal_money greek_names bfs
""".split()  # noqa: SIM905
BY_NAME = {program.name: program for program in PROGRAMS}
SAID = [BY_NAME[name] for name in CHOSEN]


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("alike")
    rows = [{"id": program.name, "code": program.code, "stdin": program.stdin} for program in SAID]
    (folder / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    execute_file(folder / "in.jsonl", folder / "out.jsonl", trace=False)
    done = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    return {row["id"]: row["calls"][0] for row in done}


def wanted_of(program: Program, row: dict) -> str:
    return json.dumps({"inputs": [program.stdin], "outputs": [row["stdout"]]})


@pytest.fixture(scope="module")
def graded(executed) -> dict[str, Score]:
    items = tuple(
        Item(program.name, "code", "", "", "", tests=wanted_of(program, executed[program.name])) for program in SAID
    )
    rows = [Score("own", program.name, 0, "", "", "", program.code, None, None, "ungraded") for program in SAID]
    scores = grade_all(Benchmark("own", "", "", "", "", items), rows)
    return {score.item_id: score for score in scores if isinstance(score, Score)}


def test_twenty_programs_are_chosen():
    assert len(set(CHOSEN)) == 20


@pytest.mark.parametrize("program", SAID, ids=lambda program: program.name)
def test_all_four_ways_treat_a_program_alike(program: Program, executed, graded):
    row = executed[program.name]
    traced = execute(program.code, [Script(program.stdin).call])[0]
    answered = run_code({"code": program.code, "stdin": program.stdin}, run)["run_result"]
    assert (traced.status, traced.output, traced.stdout, traced.stderr, list(traced.flags)) == (
        row["status"],
        row["output"],
        row["stdout"],
        row["stderr"],
        row["flags"],
    )
    assert (str(answered["return_code"]), answered["stdout"], answered["stderr"]) == (
        row["output"],
        row["stdout"],
        row["stderr"],
    )
    assert graded[program.name].strict is (row["output"] == "0"), graded[program.name]
