import re

import pytest

from ray_app.evaluation import process
from ray_app.evaluation.items import Item
from ray_app.evaluation.verdicts import Executor
from ray_app.monologue.narrate import forward
from ray_app.records import Program, Reject, Score, TracedProgram
from ray_app.sandbox.api import execute
from ray_app.tracing.probes import probes
from tests.evaluation.fake_teacher import FakeTeacher

CODE = "def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n"
ITEM = Item("s", "output", CODE, "f", "6", call="f(4)", output="6")


@pytest.fixture(scope="module")
def traced() -> TracedProgram:
    execution = execute(CODE, ["f(4)"])[0]
    return TracedProgram("p", Program("p", "grow", CODE, "f", ("f(4)",), "", "", ""), (execution,), "", "", "")


def test_probes_reference_answers_pass_and_others_fail(traced: TracedProgram) -> None:
    execution = traced.executions[0]
    assert execution.trace is not None
    known = {probe.question: probe.answer for probe in probes(CODE, "f(4)", execution.trace, seed=1, per_kind=1)}

    def right(prompt: str) -> str:
        return next(f"[ANSWER]{answer}[/ANSWER]" for question, answer in known.items() if question in prompt)

    rows = list(process.ask_probes([traced], FakeTeacher(right), seed=1))
    assert len(rows) == len(known) > 2
    assert all(isinstance(row, Score) and row.strict for row in rows)
    wrong = list(process.ask_probes([traced], FakeTeacher(lambda _: "[ANSWER]999999[/ANSWER]"), seed=1))
    assert not any(isinstance(row, Score) and row.strict for row in wrong)
    refused = list(process.ask_probes([traced], FakeTeacher(lambda _: None), seed=1))
    assert all(isinstance(row, Reject) for row in refused)


def test_fidelity_tells_a_true_monologue_from_a_false_one_that_ends_right(
    traced: TracedProgram, executor: Executor
) -> None:
    true = forward(CODE, "f", traced.executions[0], seed=0, max_tokens=2000)
    body, _, tail = true.rpartition("[ANSWER]")
    false = re.sub(r"\b3\b", "2", body) + "[ANSWER]" + tail
    assert false != true
    rows = [Score("b", "s", n, "m", "monologue", "", text, True, True, "pass") for n, text in enumerate((true, false))]
    found = list(process.fidelity([ITEM], rows, executor))
    assert [one.faithful for one in found if isinstance(one, process.Fidelity)] == [True, False]
    summary = process.summarise(one for one in found if isinstance(one, process.Fidelity))
    assert (summary.monologues, summary.accuracy, summary.faithful) == (2, 1.0, 0.5)
    assert 0.5 < summary.true_claims < 1


def test_fidelity_of_rows_without_a_verdict_is_a_reject(executor: Executor) -> None:
    [row] = process.fidelity(
        [ITEM], [Score("b", "s", 0, "m", "monologue", "", "x", None, None, "infrastructure")], executor
    )
    assert isinstance(row, Reject)
