"""The stage: verified programs in; repairs whose every part is true when it is run again, the same in every run."""

import functools
from dataclasses import replace

from ray_app.programs.grow import grow
from ray_app.programs.trace import TraceConfig, trace_programs
from ray_app.records import Program, Reject, Repair, TracedProgram
from ray_app.repair.bug import fails
from ray_app.repair.worker import RepairConfig, repairs
from ray_app.sandbox.api import execute

CONFIG = RepairConfig(tries=4, inputs=6)


@functools.cache
def traced() -> tuple[TracedProgram, ...]:
    programs = [row for level in (1, 2, 3) for row in grow(7 + level, 5, level) if isinstance(row, Program)]
    return tuple(row for row in trace_programs(programs, TraceConfig(keep=3)) if isinstance(row, TracedProgram))


@functools.cache
def made() -> tuple[Repair | Reject, ...]:
    return tuple(repairs(traced(), CONFIG))


def accepted() -> list[Repair]:
    return [row for row in made() if isinstance(row, Repair)]


def test_repairs_most_planted_bugs_are_told_and_verified():
    refused = [row for row in made() if isinstance(row, Reject) and row.reason != "no bug that shows"]
    assert len(accepted()) >= 10
    assert len(refused) <= len(accepted()) / 5, refused
    assert all(claim.verdict == "true" for row in accepted() for claim in row.claims)


def test_repairs_failing_test_fails_before_the_fix_and_known_calls_pass_after_it():
    programs = {row.id: row for row in traced()}
    for row in accepted():
        call = row.failing_test.removeprefix("assert ").rpartition(" == ")[0]
        wrong, right = (execute(code, [call], trace=False)[0] for code in (row.buggy, row.fixed))
        assert fails(wrong, right), row
        known = programs[row.program_id].executions
        again = execute(row.fixed, [run.call for run in known], trace=False)
        assert [run.output for run in again] == [run.output for run in known]


def test_repairs_are_the_same_in_every_run():
    assert tuple(repairs(traced(), CONFIG)) == made()


def test_repairs_at_most_so_many_per_program_and_only_of_a_share_of_them():
    per_program = [sum(row.program_id == program.id for row in accepted()) for program in traced()]
    assert max(per_program) == CONFIG.per_program
    assert list(repairs(traced(), replace(CONFIG, share=0.0))) == []


def test_repairs_program_that_gives_another_result_than_recorded_has_no_tests():
    first = traced()[0]
    forged = replace(first, executions=tuple(replace(run, output="'forged'") for run in first.executions))
    (row,) = repairs([forged], CONFIG)
    assert isinstance(row, Reject)
    assert row.reason == "recorded results not met again"


def test_repairs_failed_draft_of_a_language_model_is_a_bug_with_its_fix():
    code = "def f(xs):\n    total = 0\n    for x in xs:\n        total += x\n    return total\n"
    drafts = (code.replace("total += x", "total += 'x'"), "def f(xs):\n    return nothing\n", "not Python")
    calls = ("f([1, 2])", "f([5])")
    program = Program("00000000", "ask", code, "f", calls, "Add up.", "", "MIT", drafts=drafts)
    row = TracedProgram("00000000", program, tuple(execute(code, calls)), "", "", "")
    (made,) = repairs([row], replace(CONFIG, per_program=1))
    assert isinstance(made, Repair)
    assert (made.mutation, made.buggy, made.fixed) == ("draft", drafts[0], code)
    assert "TypeError" in made.diagnosis
