"""One wrong word in a true monologue is enough: each kind of planted error is caught in every program told here."""

import random

import pytest

from ray_app.monologue.narrate import forward
from ray_app.monologue.verify import verify_forward
from ray_app.sandbox.api import execute
from tests.monologue.planted import FORWARD
from tests.monologue.test_narrate import PROGRAMS, RAISING, executed


@pytest.mark.parametrize("kind", FORWARD)
def test_planted_error_of_each_kind_is_refused(kind: str) -> None:
    planted = 0
    runs = [(code, executed(name)) for name, (code, _) in PROGRAMS.items()]
    if kind == "exception":
        runs = [(code, execute(code, [call])[0]) for code, call in RAISING.values()]
    for code, run in runs:
        text = forward(code, "f", run, seed=5)
        broken = FORWARD[kind](text, run, code, random.Random(kind))
        if broken is not None and broken != text:
            planted += 1
            assert not verify_forward(code, "f", run, broken).accepted, broken
    assert planted >= 2
