"""True narrations are accepted, and false ones refused, over the odd programs: each in both styles."""

import random

import pytest

from ray_app.monologue.forward import narrate
from ray_app.verification.judge import verify_forward
from tests.odd_programs import odd_programs
from tests.semantics import local
from tests.verification.planted import FORWARD

PROGRAMS = {program.name: program for program in odd_programs()}
DECLINED = frozenset(["match_and_groups-9"])
"""A container that `__aexit__` changes is told under the line of the `with`, after the block."""


@pytest.mark.parametrize("style", ["prose", "states"])
@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - DECLINED))
def test_true_narration_is_accepted_and_errors_in_it_are_not(name, style):
    program = PROGRAMS[name]
    run = local.record(program.code, program.call)
    text = narrate(run, style=style).text
    verdict = verify_forward(run, text)
    assert not text or verdict.accepted, (verdict.reason, verdict.detail, text)
    for kind in ("value", "count", "final answer", "test", "return"):
        false = FORWARD[kind](text, run, random.Random(name)) if text else None
        assert false is None or not verify_forward(run, false).accepted, (kind, false)


def test_loop_that_an_exception_ends_does_not_end_for_want_of_items() -> None:
    code = "def f(d):\n    try:\n        for k in d: d[k + 1] = 0\n    except RuntimeError:\n        return 1\n"
    run = local.record(code, "f({1: 2})")
    text = narrate(run).text
    assert verify_forward(run, text).accepted
    raised = next(line for line in text.splitlines() if line.endswith("is raised."))
    ended = "[L3] No item is left, so the loop ends after 1 iteration."
    assert not verify_forward(run, text.replace(raised, ended)).accepted
    assert not verify_forward(run, text.replace(raised, f"{raised}\n{ended}")).accepted


def test_value_beside_another_name_of_the_object_is_checked() -> None:
    run = local.record("def f(xs):\n    ys = xs\n    ys += [2]\n    return xs\n", "f([1])")
    text = narrate(run).text
    assert "[1, 2], which is also `xs`" in text
    assert verify_forward(run, text).accepted
    assert not verify_forward(run, text.replace("[1, 2], which is also", "[1, 3], which is also")).accepted
