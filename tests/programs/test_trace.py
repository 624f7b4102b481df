"""From candidate calls to traced programs, in the real sandbox."""

import ast

import pytest

from ray_app.programs.grow import grow
from ray_app.programs.prune import prune
from ray_app.programs.trace import TraceConfig, is_literal, trace_programs
from ray_app.records import Program, Reject, TracedProgram, content_id


def program(code: str, *calls: str, source: str = "mine") -> Program:
    return Program(content_id("program", code, "f"), source, code, "f", calls, "", "test", "MIT")  # type: ignore[arg-type]


GOOD = program("def f(x):\n    if x > 3:\n        return x * 2\n    return x - 1\n", "f(5)")


def outcome(row: Program, config: TraceConfig | None = None) -> TracedProgram | Reject:
    (result,) = trace_programs([row], config)
    return result


def test_program_is_returned_with_more_inputs_their_values_and_traces() -> None:
    traced = outcome(GOOD)
    assert isinstance(traced, TracedProgram)
    assert traced.id == GOOD.id
    assert traced.program.calls == tuple(run.call for run in traced.executions)
    assert 3 <= len(traced.executions) <= 5
    assert {run.call: run.output for run in traced.executions}.get("f(0)") == "-1"
    for run in traced.executions:
        assert run.trace is not None
        assert run.output == str(eval_f(ast.literal_eval(run.call[2:-1])))
    assert traced.sandbox
    assert traced.python.startswith("3.")


def eval_f(x: int) -> int:
    return x * 2 if x > 3 else x - 1


def test_kept_calls_take_both_branches() -> None:
    traced = outcome(GOOD, TraceConfig(keep=2))
    assert isinstance(traced, TracedProgram)
    lines = [{event.line for event in run.trace.events} for run in traced.executions if run.trace]
    assert any(3 in each for each in lines)
    assert any(4 in each for each in lines)


@pytest.mark.parametrize(
    ("code", "call", "reason"),
    [
        ("def f(x):\n    return [x][9]\n", "f(1)", "raises"),
        ("def f(x):\n    while True:\n        x += 1\n", "f(1)", "timeout-cpu"),
        ("def f(x):\n    y = x\n    return None\n", "f(1)", "no value"),
        ("def f(x):\n    y = x\n    return lambda: x\n", "f(1)", "output not literal"),
        ("def f(x):\n    y = x + 1\n    return 'a' * 5000\n", "f(1)", "output too long"),
        (
            "def f(x):\n    y = 0\n    for i in range(3000):\n        y += i + x\n    return y\n",
            "f(1)",
            "trace too long",
        ),
        ("def f(x):\n    y = {str(i) for i in range(x)}\n    return list(y)\n", "f(50)", "not deterministic"),
        ("def f(x):\n    y = x * 0\n    return y\n", "f(1)", "constant output"),
        ("def f(x):\n    y = x\n    return y\n", "f(1)", "echoes its input"),
        (
            "import socket\ndef f(x):\n    try:\n        socket.socket()\n    except OSError:\n        x = 2\n"
            "    return x\n",
            "f(1)",
            "denied",
        ),
        ("def f(x):\n    return x +\n", "f(1)", "compile-error"),
    ],
)
def test_unfit_program_is_a_reject_with_a_fixed_reason(code: str, call: str, reason: str) -> None:
    refused = outcome(program(code, call), TraceConfig(candidates=3))
    assert isinstance(refused, Reject)
    assert refused.reason == reason


def test_program_without_calls_is_a_reject() -> None:
    refused = outcome(program("def f(x):\n    return x\n"))
    assert isinstance(refused, Reject)
    assert refused.reason == "no inputs"


def test_order_and_rows_are_the_same_on_a_rerun_and_in_either_lane() -> None:
    rows = [
        GOOD,
        program("def f(x):\n    return [x][9]\n", "f(1)"),
        *(r for r in grow(5, 6, 2) if isinstance(r, Program)),
    ]
    fast = list(trace_programs(rows))
    assert [strip(row) for row in fast] == [strip(row) for row in trace_programs(rows)]
    assert [strip(row) for row in fast] == [
        strip(row) for row in trace_programs(rows, TraceConfig(lane="safe", batch=3))
    ]
    assert isinstance(fast[0], TracedProgram)
    assert isinstance(fast[1], Reject)


def strip(row: TracedProgram | Reject) -> object:
    """Without the CPU times, which alone may differ."""
    if isinstance(row, Reject):
        return row
    return row.program, [(run.call, run.output, run.trace) for run in row.executions]


def test_grown_program_loses_what_no_call_reaches() -> None:
    loop = "    for i in range(x):\n        y += i\n        if i > 1000:\n            y = -1\n"
    code = f"def f(x):\n    y = 0\n{loop}    return y\n"
    traced = outcome(program(code, "f(2)", "f(3)", "f(5)", source="grow"))
    assert isinstance(traced, TracedProgram)
    assert "1000" not in traced.program.code
    assert traced.id == content_id("program", traced.program.code, "f")


def test_pruning_keeps_what_was_reached_and_what_it_returns() -> None:
    code = (
        "def g(x):\n    return x\n\n\n"
        "def f(x):\n    try:\n        y = int(x)\n    except ValueError:\n        y = 0\n"
        "    if y > 3:\n        y = g(y)\n    else:\n        y += 1\n    while y > 9:\n        y -= 1\n    return y\n"
    )
    assert prune(code, {6, 7, 10, 13, 14, 16}) == "def f(x):\n    y = int(x)\n    y += 1\n    return y\n"
    everything = set(range(1, 30))
    assert ast.dump(ast.parse(prune(code, everything))) == ast.dump(ast.parse(code))


def test_pruning_drops_what_nothing_reads_any_more() -> None:
    code = (
        "def f(x):\n    z = ''\n    w = len(x)\n    y = 0\n    if w > 9:\n        z += 'a'\n"
        "    for i in x:\n        y += i\n    return (y, z)\n"
    )
    assert prune(code, {2, 3, 4, 5, 7, 8, 9}) == "def f(x):\n    y = 0\n    for i in x:\n        y += i\n    return y\n"


def test_most_grown_programs_of_every_difficulty_are_accepted() -> None:
    for difficulty in (1, 3, 5):
        rows = [row for row in grow(9, 20, difficulty) if isinstance(row, Program)]
        accepted = [row for row in trace_programs(rows) if isinstance(row, TracedProgram)]
        assert len(accepted) >= 8
        assert all(len({run.output for run in row.executions}) > 1 for row in accepted)


@pytest.mark.parametrize(
    ("text", "expected"), [("[1, {'a': (2.5, None)}]", True), ("Point(x=1)", False), ("1...", False), ("<f>", False)]
)
def test_only_python_literals_are_literal(text: str, expected: bool) -> None:
    assert is_literal(text) is expected


SECOND = (
    "def f(xs):\n    first = xs[0]\n    if first > 9:\n        raise ValueError(f'{first} is too large')\n"
    "    return first + len(xs)\n"
)


def test_call_that_raises_stands_behind_those_that_return() -> None:
    traced = outcome(program(SECOND, "f([1, 2])", "f([7])", "f([10, 3])", "f(None)"), TraceConfig(candidates=4))
    assert isinstance(traced, TracedProgram)
    *returned, last = traced.executions
    assert {run.status for run in returned} == {"ok"}
    assert (last.call, last.status, last.output) == ("f([10, 3])", "exception", None)
    assert last.exception == "ValueError: 10 is too large"
    assert traced.program.calls[-1] == last.call


def test_calls_that_raise_are_bounded_and_those_of_a_wrong_type_come_last() -> None:
    calls = ("f(None)", "f([1, 2])", "f([7])", "f([])", "f([10, 3])")
    for most, expected in ((0, []), (1, ["f([])"]), (3, ["f([])", "f([10, 3])", "f(None)"])):
        traced = outcome(program(SECOND, *calls), TraceConfig(candidates=5, raising=most))
        assert isinstance(traced, TracedProgram)
        assert [run.call for run in traced.executions if run.status == "exception"] == expected


@pytest.mark.parametrize(
    "raising",
    [
        "return undefined",
        "return f(x)",
        "return open('/etc/hostname').read()",
        "raise ValueError(str(set(map(str, range(50)))))",
    ],
    ids=["a missing name", "endless recursion", "a denial", "another message each time"],
)
def test_exception_that_the_input_does_not_explain_is_dropped_alone(raising: str) -> None:
    code = f"def f(x):\n    y = x * 2\n    if x < 0:\n        {raising}\n    return y + 1\n"
    traced = outcome(program(code, "f(1)", "f(-1)", "f(3)"), TraceConfig(candidates=3))
    assert isinstance(traced, TracedProgram)
    assert [run.call for run in traced.executions] == ["f(1)", "f(3)"]


def test_exception_that_leaves_no_frame_is_dropped() -> None:
    code = "def f(x):\n    y = x + 1\n    if y < 0:\n        next(iter(()))\n    yield y\n"
    calls = ("list(f(1))", "list(f(-5))", "list(f(3))")
    traced = outcome(program(code, *calls), TraceConfig(candidates=3))
    assert isinstance(traced, TracedProgram)
    assert [run.call for run in traced.executions] == ["list(f(1))", "list(f(3))"]
