"""Evaluation as a stage's worker: questions in, graded rows out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from ray_app.evaluation.generate import GenerationConfig, generate
from ray_app.evaluation.grade import Grader
from ray_app.evaluation.items import Benchmark, Item
from ray_app.records import Reject, Score
from ray_app.stage import Spend
from ray_app.teacher.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Question:
    """An item of a benchmark and how it is asked."""

    generation: GenerationConfig
    item: Item


def evaluate(questions: Iterable[Question], endpoint: Endpoint) -> Iterator[Score | Reject | Spend]:
    """Answers of the endpoint's model, graded in the sandbox. TeacherError where the endpoint is dead."""
    teacher = endpoint.teacher()
    try:
        for config, group in groupby(questions, key=lambda question: question.generation):
            items = tuple(question.item for question in group)
            answers: list[Score] = []
            for made in generate(items, teacher, config):
                if isinstance(made, Reject):
                    yield made
                else:
                    answers.append(made)
            with Grader.of(Benchmark(config.benchmark, "", "", "", "", items)) as grader:
                yield from grader.grade(answers)
        usage = teacher.usage
        yield Spend(usage.prompt_tokens, usage.completion_tokens, usage.cost_usd)
    finally:
        teacher.close()
