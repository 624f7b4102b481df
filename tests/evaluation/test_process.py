import re
from collections.abc import Callable

import pytest

from ray_app.evaluation import process, prompts
from ray_app.evaluation.generate import GenerationConfig, generate
from ray_app.evaluation.grade import grade_all
from ray_app.evaluation.items import Benchmark, Item
from ray_app.monologue.forward import narrate
from ray_app.records import Program, Reject, Score, TracedProgram
from ray_app.sandbox.api import execute
from ray_app.semantics.api import record
from tests.evaluation.fake_teacher import FakeTeacher

CODE = "def f(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n"
ITEM = Item("s", "output", CODE, "f", "6", call="f(4)", output="6")


@pytest.fixture(scope="module")
def traced() -> TracedProgram:
    execution = execute(CODE, ["f(4)"])[0]
    return TracedProgram("p", Program("p", "grow", CODE, "f", ("f(4)",), "", "", ""), (execution,), "", "", "")


def test_probes_reference_answers_pass_and_others_fail(traced: TracedProgram) -> None:
    items = tuple(process.probe_items([traced], seed=1))
    assert len(items) > 2
    assert len({item.kind for item in items}) == len(items)
    benchmark = Benchmark(process.PROBES, "own", "", "", "", items)

    def graded(reply: Callable[[Item], str]) -> list[tuple[bool | None, str]]:
        asked = {prompts.prompt(item, "direct"): reply(item) for item in items}
        rows = generate(items, FakeTeacher(asked.__getitem__), GenerationConfig(process.PROBES, "direct"))
        found = grade_all(benchmark, [row for row in rows if isinstance(row, Score)])
        return [(row.strict, row.status) for row in found if isinstance(row, Score)]

    assert graded(lambda item: f"so [ANSWER]{item.gold}[/ANSWER]") == [(True, "pass")] * len(items)
    assert graded(lambda _: "[ANSWER]999999[/ANSWER]") == [(False, "wrong")] * len(items)
    assert graded(lambda _: "who knows") == [(False, "empty")] * len(items)


def test_fidelity_tells_a_true_monologue_from_a_false_one_that_ends_right() -> None:
    run = record(CODE, "f(4)").run
    assert run is not None
    true = narrate(run).text
    body, _, tail = true.rpartition("[ANSWER]")
    false = re.sub(r"\b3\b", "2", body) + "[ANSWER]" + tail
    assert false != true
    rows = [Score("b", "s", n, "m", "monologue", "", text, True, True, "pass") for n, text in enumerate((true, false))]
    found = list(process.fidelity([ITEM], rows))
    assert [one.faithful for one in found if isinstance(one, process.Fidelity)] == [True, False]
    summary = process.summarise(one for one in found if isinstance(one, process.Fidelity))
    assert (summary.monologues, summary.accuracy, summary.faithful) == (2, 1.0, 0.5)
    assert 0.5 < summary.true_claims < 1
    told = [process.as_score(one, row) for one, row in zip(found, rows, strict=True) if not isinstance(one, Reject)]
    assert [(row.benchmark, row.official, row.strict, row.status) for row in told] == [
        ("b_process", True, True, "pass"),
        ("b_process", True, False, "unfaithful"),
    ]


def test_fidelity_of_rows_without_a_verdict_is_a_reject() -> None:
    [row] = process.fidelity([ITEM], [Score("b", "s", 0, "m", "monologue", "", "x", None, None, "infrastructure")])
    assert isinstance(row, Reject)
