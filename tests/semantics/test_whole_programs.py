"""Whole programs recorded, told and verified: the module's body is the entry's frame."""

import re

import pytest

from ray_app.monologue.forward import narrate
from ray_app.sandbox.api import Sandbox
from ray_app.sandbox.batch import Job
from ray_app.sandbox.scripts import Script
from ray_app.semantics.api import LIMITS, record
from ray_app.verification.judge import verify_forward
from tests.sandbox.script_programs import PROGRAMS

NAMES = """
    sum_two read_all buffer_read readlines iterate input_alias until_eof prompt main_guard zero_division key_error
    error_from error_during greek_names statistics_use bisect_heap collections_use match_use walrus
    matrix bfs sieve knapsack class_body properties division_check nested_functions generators string_methods sort_keys
    bitwise sets star_unpack subclass_int interactive_loop asyncio_gather decimal_money file_round_trip
""".split()  # noqa: SIM905
BY_NAME = {program.name: program for program in PROGRAMS}
LOOP = "total = 0\nfor word in input().split():\n    total += int(word)\nprint(total)\n"


@pytest.mark.parametrize("name", NAMES)
def test_whole_programs_are_recorded_told_and_verified(name):
    program = BY_NAME[name]
    recording = record(program.code, Script(program.stdin, program.arguments).call)
    assert recording.run is not None, recording.reason
    assert recording.run.frames[0].function == "<module>"
    narration = narrate(recording.run)
    verdict = verify_forward(recording.run, narration.text)
    assert verdict.accepted, (verdict.reason, verdict.detail)


def test_the_modules_variables_are_the_entrys_and_loops_bind_them():
    run = record(LOOP, Script("3 4\n").call).run
    assert run is not None
    iterations = [step for step in run.steps if step.kind == "iteration"]
    assert [step.bound for step in iterations] == [(("word", "'3'"),), (("word", "'4'"),)]
    changes = [
        (change.name, change.scope, change.before, change.after) for step in run.steps for change in step.changes
    ]
    assert ("total", "local", "0", "3") in changes
    assert ("total", "local", "3", "7") in changes
    assert (run.output, run.stdout) == ("0", "7\n")


def test_a_function_changes_the_modules_variables_as_globals():
    run = record("n = 0\ndef f():\n    global n\n    n += 1\nf()\n", Script().call).run
    assert run is not None
    scopes = {run.frames[step.frame].function: change.scope for step in run.steps for change in step.changes}
    assert scopes["f"] == "global"
    assert scopes["<module>"] == "local"


def test_a_wrong_value_in_the_telling_of_a_whole_program_is_refused():
    run = record(LOOP, Script("3 4\n").call).run
    assert run is not None
    text = narrate(run).text
    wrong = re.sub(r"= 7\b", "= 8", text, count=1)
    assert wrong != text
    assert verify_forward(run, text).accepted
    assert not verify_forward(run, wrong).accepted


@pytest.mark.parametrize("name", ["sum_two", "bfs", "class_body", "key_error", "generators"])
def test_c_and_python_record_a_whole_program_alike(name):
    program = BY_NAME[name]
    jobs = [Job(program.code, (Script(program.stdin).call,), LIMITS, notes=notes) for notes in (False, True)]
    with Sandbox() as in_c, Sandbox(without=["extension"]) as in_python:
        for job in jobs:
            (fast,), (slow,) = next(in_c.results_of([job])), next(in_python.results_of([job]))
            assert (fast.status, fast.output, fast.exception, fast.stdout, fast.ending, fast.trace) == (
                slow.status,
                slow.output,
                slow.exception,
                slow.stdout,
                slow.ending,
                slow.trace,
            )
