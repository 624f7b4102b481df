from ray_app.semantics.render import render
from tests.semantics.local import record
from tests.semantics.programs import PROGRAMS


def test_a_record_reads_as_what_happened():
    code = (
        "def g(k):\n    return k * 2\n"
        "def f(xs):\n    total = 0\n    for x in xs:\n        total += g(x)\n    return total\n"
    )
    assert render(record(code, "f([3])")).splitlines() == [
        "f(xs = [3])",
        "    L4  total = 0  |  total = 0",
        "    L5  for x in xs:",
        "    L5  iteration 1: x = 3",
        "    L6  total += g(x)  |  g(x) -> 6; total += g(x) -> 6; total = 6",
        "    g(k = 3)",
        "        L2  return k * 2  |  k * 2 -> 6",
        "    g returns 6",
        "    L7  return total",
        "f returns 6",
        "f([3]) gives 6",
    ]


def test_every_kind_of_program_can_be_rendered():
    for code, call in PROGRAMS.values():
        run = record(code, call)
        assert len(render(run).splitlines()) > len(run.steps)
