"""Evaluation as a stage's worker: items in, graded rows out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ray_app.evaluation.generate import GenerationConfig, generate
from ray_app.evaluation.grade import Grader
from ray_app.evaluation.items import Benchmark, Item
from ray_app.records import Reject, Score
from ray_app.stage import Spend
from ray_app.teacher.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """Which benchmark is asked of which model, and how."""

    generation: GenerationConfig
    endpoint: Endpoint


def evaluate(items: Iterable[Item], config: EvaluationConfig) -> Iterator[Score | Reject | Spend]:
    """Answers of the endpoint's model, graded in the sandbox. TeacherError where the endpoint is dead."""
    asked = tuple(items)
    name = config.generation.benchmark
    teacher = config.endpoint.teacher()
    try:
        answers: list[Score] = []
        for made in generate(asked, teacher, config.generation):
            if isinstance(made, Reject):
                yield made
            else:
                answers.append(made)
        with Grader.of(Benchmark(name, "", "", "", "", asked)) as grader:
            yield from grader.grade(answers)
        usage = teacher.usage
        yield Spend(usage.prompt_tokens, usage.completion_tokens, usage.cost_usd)
    finally:
        teacher.close()
