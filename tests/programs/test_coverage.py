"""Choosing calls by the paths they take."""

from ray_app.programs.coverage import arcs, choose, measure
from ray_app.tracing.model import Event, Trace

CODE = """def f(x):
    if x > 0:
        y = 1
    else:
        y = 2
    for i in range(x):
        y += i
    return y
"""


def trace(*lines: int, function: str = "f") -> Trace:
    events = [Event("call", 1, 0, 0, function)]
    events += [Event("line", line, 0, 0, function) for line in lines]
    return Trace((*events, Event("return", lines[-1], 0, 0, function)))


POSITIVE = trace(2, 3, 6, 7, 6, 8)
NEGATIVE = trace(2, 5, 6, 8)
LONG = trace(2, 3, *[6, 7] * 20, 6, 8)


def test_arcs_are_transitions_within_a_frame() -> None:
    inner = (Event("call", 20, 1, 1, "g"), Event("line", 21, 1, 1, "g"), Event("return", 21, 1, 1, "g"))
    outer = (Event("call", 1, 0, 0, "f"), Event("line", 2, 0, 0, "f"), *inner, Event("line", 3, 0, 0, "f"))
    assert arcs(Trace(outer)) == {("f", 0, 2), ("f", 2, 3), ("g", 0, 21), ("g", 21, -1)}


def test_choice_covers_all_paths_with_the_fewest_calls() -> None:
    assert choose([POSITIVE, POSITIVE, NEGATIVE, POSITIVE], keep=2) == [0, 2]


def test_choice_prefers_the_shorter_of_equal_paths_and_then_spreads_lengths() -> None:
    assert choose([LONG, POSITIVE], keep=1) == [1]
    assert choose([POSITIVE, POSITIVE, POSITIVE, LONG], keep=2) == [0, 3]


def test_choice_of_more_than_there_are_takes_all() -> None:
    assert choose([POSITIVE, NEGATIVE], keep=9) == [0, 1]
    assert choose([], keep=3) == []


def test_measure_counts_lines_and_both_outcomes_of_each_branch() -> None:
    one = measure(CODE, [NEGATIVE])
    assert (one.lines, one.all_lines, one.outcomes, one.all_outcomes) == (4, 6, 2, 4)
    both = measure(CODE, [NEGATIVE, POSITIVE])
    assert (both.lines, both.outcomes) == (6, 4)
    assert measure(CODE, []).lines == 0
