"""The changes between two versions of a program are as small as they can be said, and in their place."""

import pytest

from ray_app.repair.changes import Change, Comparison, compare
from tests.repair.kit import COMMON, GUARD, INDEX, TOTAL

CHAIN = """def f(n):
    if n > 9:
        r = 1
    elif n > 5:
        r = 2
    else:
        r = 3
    return r
"""


def told(programs: Comparison, change: Change) -> tuple[int, str, str, str]:
    """The line of a change, its old code, its new code, and its place where one of them is missing."""
    old = programs.buggy.text(change.old) if change.old >= 0 else ""
    new = programs.fixed.text(change.new) if change.new >= 0 else ""
    return programs.line_of(change), old, new, change.place if not old or not new else ""


@pytest.mark.parametrize(
    ("fixed", "old", "new", "expected"),
    [
        (TOTAL, "x > 0", "x > 3", [(4, "3", "0", "")]),
        (TOTAL, "x > 0", "x >= 0", [(4, "x >= 0", "x > 0", "")]),
        (TOTAL, "+= x", "-= x", [(5, "total -= x", "total += x", "")]),
        (INDEX, "range(len(xs))", "range(1, len(xs))", [(3, "range(1, len(xs))", "range(len(xs))", "")]),
        (INDEX, "xs[i]", "xs[1:]", [(4, "xs[1:]", "xs[i]", "")]),
        (GUARD, "    n = n * 2\n", "", [(4, "", "n = n * 2", "before")]),
        (GUARD, "    n = n * 2\n", "    n = n * 2\n    n = 7\n", [(5, "n = 7", "", "before")]),
        (GUARD, "    return n + 1\n", "", [(4, "", "return n + 1", "after")]),
        (CHAIN, "    else:\n        r = 3\n", "", [(4, "", "r = 3", "else")]),
        (CHAIN, "        r = 1\n", "        pass\n", [(3, "pass", "r = 1", "")]),
    ],
)
def test_compare_difference_is_the_smallest_that_can_be_said(
    fixed: str, old: str, new: str, expected: list[tuple[int, str, str, str]]
):
    programs = compare(fixed.replace(old, new), fixed)
    assert [told(programs, change) for change in programs.changes] == expected


def test_compare_statement_that_is_missing_around_another_one():
    buggy = COMMON.replace("        if x in ys:\n            out.append(x)", "        out.append(x)")
    programs = compare(buggy, COMMON)
    (change,) = programs.changes
    assert (change.place, programs.buggy.text(change.anchor)) == ("around", "out.append(x)")
    (reverse,) = compare(COMMON, buggy).changes
    assert (reverse.new, reverse.place) == (-1, "around")


def test_compare_missing_case_in_the_middle_keeps_what_follows():
    programs = compare(CHAIN.replace("    elif n > 5:\n        r = 2\n", ""), CHAIN)
    (change,) = programs.changes
    assert (change.place, programs.line_of(change)) == ("else", 2)
    last = next(number for number in range(len(programs.fixed.nodes)) if programs.fixed.text(number) == "r = 3")
    assert programs.buggy.text(programs.to_buggy[last]) == "r = 3"


def test_compare_nodes_that_correspond_point_to_each_other():
    programs = compare(TOTAL.replace("total = 0", "total = 1"), TOTAL)
    assert all(programs.to_buggy[theirs] == ours for ours, theirs in programs.to_fixed.items())
    assert len(programs.to_fixed) == len(programs.buggy.nodes)


def test_compare_equal_programs_have_no_changes():
    assert compare(TOTAL, TOTAL + "\n# a word\n").changes == ()
