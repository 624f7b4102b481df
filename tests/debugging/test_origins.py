"""Where values come from, and moving through a run; every expected value is CPython's."""

import pytest

from ray_app.debugging import stepping, words
from ray_app.debugging.origins import Origin, origin
from ray_app.errors import InputError
from ray_app.semantics.api import record
from ray_app.semantics.record import Run

CODE = """\
limit = 10
def double(n):
    m = n * 2
    return m
def f(xs):
    total = 0
    for x in xs:
        total += double(x + 1)
    other = xs
    other.append(total)
    return total < limit
"""


def run_of(code: str, call: str) -> Run:
    run = record(code, call).run
    assert run is not None
    return run


@pytest.fixture(scope="module")
def run() -> Run:
    return run_of(CODE, "f([1, 2])")


def asked(run: Run, name: str, line: int, visit: int = 1, depth: int = 1) -> Origin:
    found = origin(run, stepping.place(run, line, visit), name, depth=depth)
    assert found is not None
    return found


def test_origin_of_an_accumulator_is_its_last_write_with_what_it_was_computed_from(run: Run) -> None:
    found = asked(run, "total", 9)
    assert (found.value, found.kind) == ("10", "assigned")
    assert found.step is not None
    assert (found.step.line, found.step.run_visit) == (8, 2)
    assert ("x + 1", "3") in found.computed
    assert ("double(x + 1)", "6") in found.computed
    assert {(source.name, source.value, source.kind) for source in found.sources} == {
        ("total", "4", "assigned"),
        ("x", "2", "bound"),
    }


def test_origin_is_asked_before_the_line_so_an_earlier_visit_has_another_value(run: Run) -> None:
    assert asked(run, "total", 8, visit=1).value == "0"
    assert asked(run, "total", 8, visit=2).value == "4"


def test_origin_of_a_parameter_is_the_argument_of_the_call_that_was_made(run: Run) -> None:
    found = asked(run, "n", 3, visit=2)
    assert (found.value, found.kind) == ("3", "parameter")
    assert found.computed == (("x + 1", "3"),)
    assert [(source.name, source.value) for source in found.sources] == [("x", "2")]
    assert asked(run, "xs", 6).kind == "parameter"
    assert asked(run, "xs", 6).step is None


def test_origin_of_a_list_that_was_changed_under_another_name_is_that_change(run: Run) -> None:
    found = asked(run, "xs", 11)
    assert (found.value, found.kind) == ("[1, 2, 10]", "changed")
    assert found.step is not None
    assert found.step.line == 10


def test_origin_of_a_global_is_its_write_in_whatever_function() -> None:
    run = run_of("n = 0\ndef up():\n    global n\n    n += 5\ndef f():\n    up()\n    return n", "f()")
    found = asked(run, "n", 7)
    assert (found.value, found.kind) == ("5", "assigned")
    assert found.step is not None
    assert found.step.line in (4, 6)
    assert asked(run, "n", 6).kind == "before the call"


def test_origin_of_what_is_not_bound_is_none(run: Run) -> None:
    assert origin(run, stepping.place(run, 6, 1), "total") is None


def test_recursion_each_frame_has_its_own_variables() -> None:
    run = run_of("def f(n):\n    if n == 0:\n        return 0\n    below = f(n - 1)\n    return below + n", "f(2)")
    found = asked(run, "below", 5, visit=2)
    assert found.value == "1"
    assert asked(run, "n", 2, visit=3).computed == (("n - 1", "0"),)


def test_moves_go_into_calls_over_them_and_out(run: Run) -> None:
    call = stepping.place(run, 8, 1)
    lines = {how: step.line for how in ("into", "over", "out", "back") if (step := stepping.move(run, call.index, how))}
    assert lines == {"into": 3, "over": 7, "back": 7}
    inside = stepping.place(run, 3, 1)
    out = stepping.move(run, inside.index, "out")
    assert out is not None
    assert (out.line, out.kind) == (7, "iteration")
    assert stepping.move(run, 0, "back") is None


def test_places_that_are_not_there_say_what_is(run: Run) -> None:
    with pytest.raises(InputError, match="steps 0 to"):
        stepping.at(run, 999)
    with pytest.raises(InputError, match=r"visit 9: 2 step\(s\) begin on it"):
        stepping.place(run, 8, 9)
    with pytest.raises(InputError, match="nothing that runs"):
        stepping.place(run, 500, 1)


def test_words_say_value_write_and_evaluations(run: Run) -> None:
    text = words.why(run, asked(run, "total", 9))
    assert text.splitlines()[0].startswith("total is 10: assigned by [")
    assert "    double(x + 1) -> 6" in text
    assert "calls double(n = 3): returns 6" in text
    assert "x is 2: bound by" in text
    assert words.listing(run, 0, 3).splitlines()[-1] == "... go on with first=3"
