import ast

import pytest

from ray_app.monologue.narrate import forward
from ray_app.monologue.source import read
from ray_app.monologue.steps import numbered, steps
from ray_app.monologue.timeline import Timeline, arrange
from ray_app.monologue.verify import verify_forward
from ray_app.sandbox.api import execute

CODE = "def f(s, k):\n    n = max([int(x) for x in s.split(',')])\n    return s[k - 1:n]\n"
STATE = {"s": "'12,3,45'", "k": "3", "xs": "[4, 5]"}


def timeline() -> Timeline:
    trace = execute(CODE, ["f('12,3,45', 3)"])[0].trace
    assert trace is not None
    return arrange(read(CODE), trace)


def expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "max([int(x) for x in s.split(',')])",
            ["`s.split(',')` is ['12', '3', '45']", "`[int(x) for x in s.split(',')]` is [12, 3, 45]"],
        ),
        ("s[(k - 1) // 2:k * 2 - 1]", ["`(k - 1) // 2` is 1", "`k * 2 - 1` is 5"]),
        ("len(s)", []),
        ("[s[i] for i in range(k)]", []),
        ("sorted(xs)[0] if len(xs) > 1 else s.upper()", ["`len(xs)` is 2"]),
        ("list(map(int, s.split(',')))", ["`s.split(',')` is ['12', '3', '45']"]),
        ("f(s) + len(s)", ["`len(s)` is 7"]),
    ],
)
def test_steps_are_the_parts_that_surely_run_innermost_first(text: str, told: list[str]) -> None:
    assert steps(timeline(), expression(text), STATE) == told


@pytest.mark.parametrize(
    ("text", "strings"),
    [("s[1:k]", 1), ("s.find('3') + s.index(',')", 1), ("s[0]", 0), ("xs[1:]", 0), ("s.upper()", 0)],
)
def test_numbered_strings_are_those_whose_positions_decide(text: str, strings: int) -> None:
    told = numbered(timeline(), expression(text), STATE)
    assert len(told) == strings
    assert all("(0, '1'), (1, '2'), (2, ',')" in one for one in told)


def test_forward_tells_steps_and_positions_and_verifies() -> None:
    run = execute(CODE, ["f('12,3,45', 3)"])[0]
    text = forward(CODE, "f", run)
    assert "`s.split(',')` is ['12', '3', '45']" in text
    assert "`list(enumerate(s))` is [(0, '1')" in text
    assert verify_forward(CODE, "f", run, text).accepted
    assert not verify_forward(CODE, "f", run, text.replace("(4, ',')", "(4, '3')")).accepted
    assert not verify_forward(CODE, "f", run, text.replace("is ['12', '3', '45']", "is ['12', '4', '45']")).accepted
