"""The stage's worker: verified rows, shorter runs in place of long ones, a reason for whatever is refused."""

import pytest

from ray_app.errors import InputError
from ray_app.monologue.command import Telling, narrate_file
from ray_app.monologue.worker import NarrateConfig, tell
from ray_app.records import Monologue, Program, Reject, TracedProgram
from ray_app.sandbox.api import execute

SUM = "def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n"


def traced(code: str, *calls: str) -> TracedProgram:
    program = Program("p", "grow", code, "f", calls, "", "seed 1", "MIT", difficulty=2)
    return TracedProgram("p", program, tuple(execute(code, calls)), "layers", "3.11", "python")


def config(max_tokens: int = 600) -> NarrateConfig:
    return NarrateConfig(seed=0, max_tokens=max_tokens, style="prose", detail=1, shorter=9)


def test_rows_carry_style_detail_leap_tokens_and_only_true_claims() -> None:
    (row,) = [made for made in tell([traced(SUM, "f(3)")], config()) if getattr(made, "direction", "") == "forward"]
    assert isinstance(row, Monologue)
    assert (row.style, row.detail, row.longest_leap, row.leap) == ("prose", 1, 1, "")
    assert 0 < row.tokens <= 600
    assert (row.call, row.output, row.witness, row.difficulty) == ("f(3)", "3", "f(3)", 2)
    assert {claim.verdict for claim in row.claims} == {"true"}


def test_run_that_is_too_long_is_replaced_by_the_longest_that_fits() -> None:
    rows = [made for made in tell([traced(SUM, "f(40)")], config()) if isinstance(made, Monologue)]
    (row,) = [row for row in rows if row.direction == "forward"]
    assert row.call in ("f(20)", "f(10)")
    assert 200 < row.tokens <= 600


def test_run_without_a_shorter_one_is_refused_as_too_long() -> None:
    made = list(tell([traced(SUM.replace("range(n)", "range(90)"), "f(1)")], config()))
    assert "forward: too long" in [reject.reason for reject in made if isinstance(reject, Reject)]


def test_value_that_is_cut_and_call_that_does_not_end_are_refused_with_the_reason() -> None:
    made = list(tell([traced("def f(n):\n    s = 'a' * n\n    return len(s)\n", "f(3000)")], config()))
    assert "forward: a value is too long to state" in [one.reason for one in made if isinstance(one, Reject)]
    endless = list(tell([traced("def f(n):\n    while n: pass\n", "f(1)")], config()))
    assert all(isinstance(one, Reject) and "run not finished" in one.reason for one in endless)


def test_narrate_file_prints_either_style_and_says_why_it_cannot(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "sum.py"
    path.write_text("\ufeff" + SUM, encoding="utf-8")
    assert "`total` becomes 0 + 1 = 1" in narrate_file(path, "f(2)", Telling())
    assert "total = 0 + 1 -> 1" in narrate_file(path, "f(2)", Telling(style="states"))
    for call, telling, hint in (
        ("f(2)", Telling(style="verse"), "use prose or states"),
        ("f(2)", Telling(detail=4), "use 1, 2 or 3"),
        ("f(", Telling(), "not a Python expression"),
        ("f(50)", Telling(max_tokens=300), "more than --max-tokens"),
        ("f('a')", Telling(direction="backward"), "run not finished"),
    ):
        with pytest.raises(InputError, match=hint):
            narrate_file(path, call, telling)
