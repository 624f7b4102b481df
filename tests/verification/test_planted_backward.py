# ruff: noqa: E501
"""Each kind of error, planted into true backward texts of a few programs, is refused."""

import random

import pytest

from ray_app.monologue.backward.narrate import narrate
from ray_app.verification.backward import verify_backward
from tests.semantics.local import record
from tests.verification.planted_backward import BACKWARD

PROGRAMS = {
    "gathers": (
        "def f(text, k):\n    out = []\n    for c in text:\n        if c.isdigit():\n            out.append(int(c) + k)\n    return out\n",
        "f('a1b22', 3)",
    ),
    "carries": (
        "def f(xs):\n    total = 1\n    for x in xs:\n        total = total * 2 + x\n    return [total, len(xs)]\n",
        "f([4, 0, 7])",
    ),
    "decides": ("def f(n, m):\n    if n < 0:\n        return 'low'\n    r = n * 2\n    return str(r + m)\n", "f(4, 3)"),
    "law": (
        "def f(t):\n    i = 0\n    s = ''\n    while i < len(t):\n        s = t[i] + s\n        i += 1\n    return s\n",
        "f('abcb')",
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_planted_errors_are_refused(name):
    code, call = PROGRAMS[name]
    run = record(code, call)
    text = narrate(run).text
    assert verify_backward(run, text, record=record).reason == "ok"
    tried = 0
    for kind, corrupt in BACKWARD.items():
        for seed in range(2):
            wrong = corrupt(text, run, random.Random(f"{seed}:{kind}"))
            if wrong is not None and wrong != text:
                tried += 1
                assert not verify_backward(run, wrong, record=record).accepted, (kind, wrong)
    assert tried > 10
