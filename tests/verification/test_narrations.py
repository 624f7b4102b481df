"""True narrations are accepted, and false ones refused, over the odd programs: each in both styles."""

import random

import pytest

from ray_app.monologue.forward import narrate
from ray_app.semantics import local
from ray_app.verification.judge import verify_forward
from tests.odd_programs import odd_programs
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
