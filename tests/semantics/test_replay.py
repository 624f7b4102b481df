import pytest

from ray_app.sandbox.api import Sandbox
from ray_app.semantics.api import record
from ray_app.semantics.replay import Answer, evaluate

CODE = """\
LIMIT = 10
def f(xs, len):
    seen = []
    for x in xs:
        seen.append(x * len)
        while len > 2:
            len -= 1
    def g(k):
        return k + seen[0]
    try:
        return g(1), [y for y in seen if y]
    finally:
        seen.clear()
"""


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as box:
        yield box


def test_expressions_are_evaluated_where_the_step_began(sandbox):
    call = "f([1, 2], 4)"
    run = record(CODE, call, sandbox=sandbox).run
    assert run is not None

    def at(line: int, kind: str, visit: int = 1) -> int:
        return next(step.index for step in run.steps if (step.line, step.kind, step.run_visit) == (line, kind, visit))

    questions = [
        (at(5, "statement", 1), "seen"),
        (at(5, "statement", 2), "(seen, x, len, LIMIT)"),
        (at(4, "iteration", 2), "x"),
        (at(6, "test", 3), "len > 2"),
        (at(9, "statement"), "seen[k]"),
        (at(9, "statement"), "xs"),
        (at(11, "comprehension", 2), "y + 100"),
        (at(10, "finally"), "[s for s in seen]"),
        (at(5, "statement", 1), "seen.pop()"),
        (at(3, "statement"), "seen"),
        (at(3, "statement"), "len(xs)"),
        (at(3, "statement"), "sum(xs) + max(v for v in xs)"),
        (at(3, "statement"), "(z := 1)"),
        (at(3, "statement"), "no expression"),
    ]
    assert evaluate(CODE, call, questions, run=run, sandbox=sandbox) == [
        Answer("[]", None),
        Answer("([4], 2, 2, 10)", None),
        Answer("2", None),
        Answer("False", None),
        Answer("4", None),
        Answer("[1, 2]", None),
        Answer("104", None),
        Answer("[4, 4]", None),
        Answer(None, "IndexError: pop from empty list"),
        Answer(None, "UnboundLocalError: cannot access local variable 'seen' where it is not associated with a value"),
        Answer(None, "TypeError: 'int' object is not callable"),
        Answer("5", None),
        Answer(None, None),
        Answer(None, None),
    ]
