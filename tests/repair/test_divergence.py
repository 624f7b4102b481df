"""The first divergence is where the two runs first do something else, and not where the mistake merely stands."""

import pytest

from ray_app.monologue.source import read
from ray_app.monologue.timeline import arrange
from ray_app.repair.align import align
from ray_app.repair.bug import Bug
from ray_app.repair.divergence import Divergence, diverge, handed_out
from ray_app.sandbox.api import execute
from tests.repair.kit import BUGS, GUARD, TOTAL, bug


def first(case: Bug) -> Divergence | None:
    assert case.failing.trace is not None
    assert case.right.trace is not None
    return diverge(arrange(read(case.buggy), case.failing.trace), arrange(read(case.fixed), case.right.trace))


@pytest.mark.parametrize(
    ("name", "kind", "line", "visit"),
    [
        ("state", "state", 5, 1),
        ("test", "test", 4, 1),
        ("loop", "state", 3, 1),
        ("raise", "test", 3, 3),
        ("return", "return", 5, 1),
        ("alias", "state", 3, 1),
        ("call", "call", 4, 1),
        ("endless", "state", 4, 1),
        ("too deep", "call", 4, 1),
    ],
)
def test_diverge_finds_the_first_step_that_goes_wrong(name: str, kind: str, line: int, visit: int):
    found = first(bug(*BUGS[name]))
    assert found is not None
    assert (found.kind, found.wrong.line, found.wrong.visit) == (kind, line, visit)


def test_diverge_missing_branch_points_to_what_only_the_fix_does():
    case = bug(*BUGS["branch"])
    found = first(case)
    assert found is not None
    assert (found.kind, case.fixed.split("\n")[found.right.line - 1].strip()) == ("path", "return 0")
    assert [guard.line for guard in found.guards] == [2]


def test_diverge_aliasing_shows_where_the_copy_changes_and_names_the_variable():
    found = first(bug(*BUGS["alias"]))
    assert found is not None
    assert (found.names, found.wrong.after()["xs"], found.right.after()["xs"]) == (("xs",), "[1, 9]", "[1]")


def test_diverge_equal_runs_have_none():
    assert first(bug(TOTAL, "total += x", "total = total + x", "f([1])")) is None


def test_align_changed_line_and_missing_lines():
    buggy = GUARD.replace("    if n < 0:\n        return 0\n", "").replace("n + 1", "n - 1")
    lines = align(buggy, GUARD)
    assert (lines.changed, lines.removed, lines.added) == ((3,), (), (2, 3))
    assert lines.position_of(2) == 2


def test_run_whose_recording_stopped_in_a_statement_hands_nothing_out() -> None:
    code = "def f(n):\n    total = 0\n    while n:\n        total += n\n    return total\n"
    execution = execute(code, ["f(1)"])[0]
    assert execution.trace is not None
    assert execution.trace.truncated
    timeline = arrange(read(code), execution.trace)
    assert any(moment.end == len(execution.trace.events) for moment in timeline.moments)
    assert all(handed_out(timeline, moment) is None for moment in timeline.moments)
