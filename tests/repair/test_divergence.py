"""The first divergence is where the two runs first do something else, and not where the mistake merely stands."""

import pytest

from ray_app.repair.bug import Bug
from ray_app.repair.divergence import Divergence
from tests.repair.kit import BUGS, TOTAL, bug, recorded

CALLS = """def helper(n):
    return n + 1


def f(n):
    total = helper(n)
    total = total * 2
    return total
"""
SQUARES = """def f(xs):
    ys = [x * x for x in xs if x > 0]
    return ys
"""


def first(case: Bug) -> Divergence:
    found = case.divergence
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "kind", "line", "visit"),
    [
        ("state", "state", 5, 1),
        ("test", "test", 4, 1),
        ("loop", "loop", 3, 1),
        ("raise", "loop", 3, 1),
        ("return", "return", 5, 1),
        ("alias", "state", 3, 1),
        ("call", "call", 4, 1),
        ("condition", "path", 3, 1),
        ("endless", "state", 4, 1),
        ("too deep", "call", 4, 1),
    ],
)
def test_diverge_finds_the_first_step_that_goes_wrong(name: str, kind: str, line: int, visit: int):
    found = first(bug(*BUGS[name]))
    assert (found.kind, found.wrong.line, found.wrong.visit) == (kind, line, visit)


def test_diverge_missing_branch_points_to_what_only_the_fix_does():
    case = bug(*BUGS["branch"])
    found = first(case)
    assert (found.kind, found.right.line, found.early) == ("path", 3, True)
    assert [guard.line for guard in found.guards] == [2]


def test_diverge_aliasing_shows_where_the_copy_changes_and_names_the_variable():
    found = first(bug(*BUGS["alias"]))
    assert (found.names, found.wrong.after["xs"], found.right.after["xs"]) == (("xs",), "[1, 9]", "[1]")


@pytest.mark.parametrize(
    ("old", "new", "kind"), [("x > 0", "x > 2", "test"), ("x * x", "x + x", "element"), ("in xs", "in xs[1:]", "state")]
)
def test_diverge_looks_into_comprehensions(old: str, new: str, kind: str):
    found = first(bug(SQUARES, old, new, "f([-1, 1, 3])"))
    assert found.kind == kind


def test_diverge_goes_into_a_function_that_both_runs_call():
    found = first(bug(CALLS, "return n + 1", "return n - 1", "f(3)"))
    assert (found.kind, found.wrong.line) == ("return", 2)


def test_diverge_passes_over_a_call_that_only_one_run_makes():
    found = first(bug(CALLS, "total = helper(n)", "total = n", "f(3)"))
    assert (found.kind, found.wrong.line, found.names) == ("state", 6, ("total",))


def test_diverge_statement_too_many_is_where_it_acts():
    found = first(bug(CALLS, "    total = total * 2\n", "    total = total * 2\n    total -= 1\n", "f(3)"))
    assert (found.kind, found.wrong.line) == ("state", 8)


def test_diverge_loop_that_is_left_too_early():
    case = bug(TOTAL, "            total += x\n", "            total += x\n            break\n", "f([1, 2])")
    found = first(case)
    assert (found.kind, found.wrong.line, found.right.kind) == ("path", 6, "iteration")


def test_diverge_equal_runs_have_none():
    assert bug(TOTAL, "total += x", "total = total + x", "f([1])").divergence is None


def test_diverge_run_that_was_cut_before_it_goes_wrong_has_none():
    fixed = "def f(n):\n    while n != 500:\n        n += 1\n    return n\n"
    case = Bug(recorded(fixed.replace("500", "5000"), "f(0)"), recorded(fixed, "f(0)"))
    assert case.failing.cut
    assert case.divergence is None


def test_diverge_loop_that_only_the_fix_has():
    fixed = "def f(xs):\n    t = 0\n    for x in xs:\n        t += x\n    return t\n"
    case = bug(fixed, "    for x in xs:\n        t += x\n", "", "f([2])")
    assert first(case).kind == "path"
