"""Evaluation as a stage's worker: questions in, graded rows out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from ray_app.evaluation import forced, process, self_repair
from ray_app.evaluation.generate import GenerationConfig, generate
from ray_app.evaluation.grade import Grader
from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.passages import Passage
from ray_app.evaluation.self_repair import RepairConfig
from ray_app.evaluation.verdicts import Executor
from ray_app.records import ClaimScore, Reject, Score
from ray_app.stage import Spend
from ray_app.teacher.client import Teacher
from ray_app.teacher.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Question:
    """An item of a benchmark and how it is asked.

    `fidelity`: the claims of the answer's monologue are checked too, as a second row. `rounds` above 0: the answer is
    a program that the model repairs so many times at most, beside as many attempts from scratch.
    """

    generation: GenerationConfig
    item: Item
    fidelity: bool = False
    rounds: int = 0


def evaluate(questions: Iterable[Question], endpoint: Endpoint) -> Iterator[Score | Reject | Spend]:
    """Answers of the endpoint's model, graded in the sandbox. TeacherError where the endpoint is dead."""
    teacher = endpoint.teacher()
    try:
        with Executor() as executor:
            for asked, group in groupby(questions, key=lambda question: replace(question, item=_ANY)):
                items = tuple(question.item for question in group)
                benchmark = Benchmark(asked.generation.benchmark, "", "", "", "", items)
                if asked.rounds:
                    yield from _repaired(benchmark, asked, teacher, executor)
                else:
                    yield from _answered(benchmark, asked, teacher)
        usage = teacher.usage
        yield Spend(usage.prompt_tokens, usage.completion_tokens, usage.cost_usd)
    finally:
        teacher.close()


def read_along(passages: Iterable[Passage], endpoint: Endpoint) -> Iterator[ClaimScore | Reject | Spend]:
    """What the endpoint's model would have stated where the passages state something. TeacherError as above."""
    teacher = endpoint.teacher()
    try:
        yield from forced.asked(passages, teacher)
        usage = teacher.usage
        yield Spend(usage.prompt_tokens, usage.completion_tokens, usage.cost_usd)
    finally:
        teacher.close()


_ANY = Item("", "output", "", "", "")


def _answered(benchmark: Benchmark, asked: Question, teacher: Teacher) -> Iterator[Score | Reject]:
    answers: list[Score] = []
    for made in generate(benchmark.items, teacher, asked.generation):
        if isinstance(made, Reject):
            yield made
        else:
            answers.append(made)
    told = {item.id: item for item in benchmark.items if asked.fidelity and item.task == "output"}
    for row in _graded(benchmark, answers):
        yield row
        if isinstance(row, Score) and row.item_id in told and row.strict is not None:
            for found in process.fidelity([told[row.item_id]], [row]):
                yield found if isinstance(found, Reject) else process.as_score(found, row)


def _repaired(benchmark: Benchmark, asked: Question, teacher: Teacher, executor: Executor) -> Iterator[Score | Reject]:
    """The last programs of repair and of its rival, under a name each."""
    config = RepairConfig(asked.generation, asked.rounds, (asked.rounds + 1) * asked.generation.max_tokens)
    for name, play in (("repair", self_repair.repair), ("resample", self_repair.resample)):
        rows = [attempts.score(config, teacher.name, name) for attempts in play(benchmark, teacher, config, executor)]
        for row in _graded(benchmark, rows):
            yield replace(row, benchmark=f"{benchmark.name}_{name}") if isinstance(row, Score) else row


def _graded(benchmark: Benchmark, rows: list[Score]) -> Iterator[Score | Reject]:
    with Grader.of(benchmark) as grader:
        yield from grader.grade(rows)
