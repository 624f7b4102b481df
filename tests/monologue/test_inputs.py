"""Inputs near a known one: a constraint that is no rule must meet one that breaks it."""

from collections.abc import Sequence

import pytest

from ray_app.monologue.inputs import Signature, neighbours, remembered, signature
from ray_app.monologue.narrate import backward
from ray_app.monologue.verify import verify_backward
from ray_app.records import Execution
from ray_app.sandbox.api import execute
from ray_app.sandbox.batch import DEFAULT_LIMITS
from ray_app.sandbox.limits import Limits

WRITING = "def f(d, k, v):\n    d[k] = v\n    return sorted(d)\n"
FIXED = "def f(d, v):\n    d[5] = v\n    return sorted(d)\n"


def near(code: str, **arguments: str) -> list[dict[str, str]]:
    shape = signature(code, "f")
    assert isinstance(shape, Signature)
    return neighbours(code, shape, arguments)


@pytest.mark.parametrize(
    ("code", "arguments", "expected"),
    [
        (WRITING, {"d": "{'a': 1, 'c': 3, 'e': 4, 'b': 2}", "k": "'b'", "v": "2"}, "{'a': 1, 'c': 3, 'e': 4}"),
        (WRITING, {"d": "{'a': 1}", "k": "'b'", "v": "2"}, "{'a': 1, 'b': 1}"),
        (FIXED, {"d": "{1: 0, 2: 0, 3: 0, 5: 0}", "v": "2"}, "{1: 0, 2: 0, 3: 0}"),
        (FIXED, {"d": "{1: 0}", "v": "2"}, "{1: 0, 5: 0}"),
    ],
)
def test_neighbours_dictionary_gains_and_loses_the_key_that_is_written(
    code: str, arguments: dict[str, str], expected: str
) -> None:
    assert {**arguments, "d": expected} in near(code, **arguments)


def test_neighbours_key_that_is_an_argument_changes_in_both_places() -> None:
    found = near(WRITING, d="{'a': 1, 'b': 3}", k="'b'", v="2")
    assert {"d": "{'a': 1, 'B': 3}", "k": "'B'", "v": "2"} in found


def test_backward_keys_that_the_program_writes_itself_make_no_rule() -> None:
    run = execute(WRITING, ["f({'a': 1, 'c': 3, 'e': 4, 'b': 2}, 'b', 2)"])[0]
    for seed in range(4):
        text, _ = backward(WRITING, "f", run, seed=seed)
        assert verify_backward(WRITING, "f", run, text).accepted
        assert "`'b' in d`" not in text
        claimed = text.replace("\n1. ", "\n1. `set(d) == {'a', 'b', 'c', 'e'}` must hold.\n2. ")
        assert verify_backward(WRITING, "f", run, claimed).reason == "false constraint"


def test_remembered_runs_no_call_twice_and_traces_anew():
    asked: list[tuple[str, ...]] = []

    def run(code: str, calls: Sequence[str], limits: Limits = DEFAULT_LIMITS, *, trace: bool = True) -> list[Execution]:
        asked.append(tuple(calls))
        return [Execution(call, "ok", call.upper(), None, "", 0, (), None) for call in calls]

    again = remembered(run)
    assert [one.output for one in again("c", ["f(1)", "f(2)", "f(1)"], trace=False)] == ["F(1)", "F(2)", "F(1)"]
    assert [one.output for one in again("c", ["f(3)", "f(1)"], trace=False)] == ["F(3)", "F(1)"]
    again("d", ["f(1)"], trace=False)
    again("c", ["f(1)"], Limits(cpu_s=9), trace=False)
    again("c", ["f(1)"])
    assert asked == [("f(1)", "f(2)"), ("f(3)",), ("f(1)",), ("f(1)",), ("f(1)",)]
