"""Mutants are other programs that parse, differ in one place and are otherwise as they were written."""

import ast
import difflib
import functools

import pytest

from ray_app.repair.mutate import Mutant, mutants

CODE = """def f(xs, k):  # a comment stays
    ys = xs[:]
    t = 0
    for i in range(len(xs) - 1):
        if xs[i] > k and not t:
            t += xs[i] * (k + 2)
        else:
            t = max(t, k - t)
    if t == 3:
        return "a".lower()
    ys.append(t)
    return ys
"""
LINES = range(1, 13)


@functools.cache
def found(seed: str) -> tuple[Mutant, ...]:
    return tuple(mutants(CODE, LINES, seed))


def changed(code: str) -> list[str]:
    return [
        line
        for line in difflib.unified_diff(CODE.split("\n"), code.split("\n"), lineterm="", n=0)
        if line[0] in "+-" and not line.startswith(("+++", "---"))
    ]


def test_mutants_cover_every_kind_of_mistake():
    assert {mutant.kind for mutant in found("0")} == {
        "operator",
        "comparison",
        "off-by-one",
        "constant",
        "variable",
        "method",
        "arguments",
        "aliasing",
        "branch",
    }


def test_mutants_parse_and_differ_from_the_program_and_from_each_other():
    programs = {ast.dump(ast.parse(code)) for code in [CODE, *(mutant.code for mutant in found("0"))]}
    assert len(found("0")) > 60
    assert len(programs) == len(found("0")) + 1


def test_mutants_change_one_line_or_leave_lines_out_and_touch_no_other():
    for mutant in found("0"):
        signs = [line[0] for line in changed(mutant.code)]
        assert signs in (["-", "+"], ["-"] * len(signs)), mutant


def test_mutants_of_the_same_seed_are_the_same_and_of_another_are_not():
    assert found("0") == tuple(mutants(CODE, LINES, "0"))
    assert found("0") != found("1")
    assert set(found("0")) == set(found("1"))


def test_mutants_stay_on_the_lines_that_are_asked_for():
    assert {mutant.line for mutant in mutants(CODE, [6], "0")} == {6}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ys = xs[:]", "ys = xs"),
        ("range(len(xs) - 1)", "range(len(xs))"),
        ("range(len(xs) - 1)", "range(1, len(xs) - 1)"),
        ("xs[i] > k", "xs[i] >= k"),
        ("not t", "t"),
        ("xs[i] * (k + 2)", "xs[i] + (k + 2)"),
        ("max(t, k - t)", "max(k - t, t)"),
        ("k - t", "t - k"),
        ('"a".lower()', '"a".upper()'),
        ("        else:\n            t = max(t, k - t)\n", ""),
        ('    if t == 3:\n        return "a".lower()\n', ""),
    ],
)
def test_mutants_contain_the_classical_mistake(before: str, after: str):
    assert CODE.replace(before, after) in {mutant.code for mutant in found("0")}


def test_mutants_put_brackets_where_the_new_text_would_bind_otherwise():
    code = "def f(a, b):\n    return a[-1] * (not b) - b\n"
    crossed = {m.code.split("\n")[1].strip() for m in mutants("def f(a, b):\n    return 2 * (b - a)\n", [2], "0")}
    assert "return 2 * (a - b)" in crossed
    assert all(ast.parse(mutant.code) for mutant in mutants(code, [2], "0"))
