"""Inputs tried: enough, different, in several parameters at once, and cheap where a program does not end."""

import time

from ray_app.programs.signature import Signature, signature
from ray_app.programs.tries import COUNT, judge, try_inputs
from ray_app.sandbox.api import execute


def shape_of(code: str) -> Signature:
    found = signature(code, "f")
    assert found is not None
    return found


def tries(code: str, call: str, output: str, **more):
    found = try_inputs(code, shape_of(code), call, output, **more)
    assert found is not None
    return found


def test_tries_are_many_and_different_and_vary_several_parameters_at_once():
    code = "def f(a, b):\n    return len(a) + b\n"
    found = tries(code, "f('xyz', 4)", "7")
    assert len(found.trials) == COUNT + 1
    assert len({one.arguments for one in found.trials}) == COUNT + 1
    first = found.trials[0].arguments
    both = [one for one in found.trials if all(x != y for x, y in zip(one.arguments, first, strict=True))]
    assert len(both) > 40
    assert len(found.giving("7")) > 10


def test_tries_same_arguments_same_inputs_another_salt_others():
    code = "def f(xs):\n    return sum(xs)\n"
    once, again = tries(code, "f([1, 2])", "3"), tries(code, "f([1, 2])", "3")
    assert once == again
    assert tries(code, "f([1, 2])", "3", salt="other").trials != once.trials


def test_tries_of_a_program_that_does_not_end_are_cheap():
    code = "def f(n):\n    while n > 3:\n        n += 1\n    return n\n"
    start = time.process_time()
    found = tries(code, "f(2)", "2")
    assert len(found.trials) < COUNT
    assert time.process_time() - start < 1


def test_tries_hold_what_is_raised():
    code = "def f(n):\n    return 10 // n\n"
    assert "ZeroDivisionError" in {one.raises for one in tries(code, "f(3)", "3").trials}


def test_bind_and_spell_are_inverse():
    shape = shape_of("def f(a, b=2, *, c=3):\n    return a\n")
    assert shape.bind("f(1, c=4)") == {"a": "1", "b": "2", "c": "4"}
    assert shape.spell({"a": "5", "b": "2", "c": "4"}, "f(1, c=4)") == "f(5, c=4)"
    assert shape.bind("g(1)") is None
    assert shape.bind("f(*x)") is None


def test_judge_truths_and_what_is_none():
    code = "def helper(x):\n    return x > 1\n\ndef f(a):\n    return a\n"
    trials = tries(code, "f(3)", "3").trials[:1]
    asked = ["a == 3", "a == 4", "a", "a[0] == 1", "helper(a)", "result == 3"]
    found = [row[0] for row in judge(code, shape_of(code), asked, trials, execute=execute)]
    assert found == [True, False, None, None, True, True]


def test_judge_predicate_that_does_not_end_spoils_no_other():
    code = "def f(a):\n    return a\n"
    trials = tries(code, "f(3)", "3").trials[:2]
    asked = ["a == 3", "sum(1 for x in iter(int, 1)) == a"]
    assert judge(code, shape_of(code), asked, trials, execute=execute)[0][0] is True
