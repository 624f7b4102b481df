"""Generation: items in, ungraded rows out, through any `Teacher` (an endpoint, or an engine in the cluster).

Requests are cached by their content in the teacher, so a run that was cut off asks only for what is missing; `done`
leaves out rows that exist already without asking at all.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from ray_app.errors import InputError
from ray_app.evaluation import prompts
from ray_app.evaluation.grade import UNGRADED
from ray_app.evaluation.items import Item
from ray_app.records import Reject, Score
from ray_app.teacher.client import Request, Teacher


@dataclass(frozen=True, slots=True)
class GenerationConfig:
    """How answers are sampled. `samples` per item; `chat` False sends the prompt as raw text, for base models."""

    benchmark: str
    prompt_format: str
    samples: int = 1
    max_tokens: int = 1024
    temperature: float = 0.0
    seed: int = 0
    chat: bool = True

    def __post_init__(self) -> None:
        if self.samples < 1 or self.max_tokens < 1:
            raise InputError(f"samples ({self.samples}) and max_tokens ({self.max_tokens}) must be at least 1")
        if self.samples > 1 and self.temperature == 0:
            raise InputError(f"{self.samples} samples at temperature 0 would be equal: raise the temperature")


def request(item: Item, config: GenerationConfig) -> Request:
    """The one request that an item becomes."""
    text = prompts.prompt(item, config.prompt_format)
    return Request(
        messages=({"role": "user", "content": text},) if config.chat else (),
        prompt=None if config.chat else text,
        max_tokens=config.max_tokens,
        temperature=config.temperature,
        seed=config.seed,
        stop=prompts.stop(item),
        n=config.samples,
    )


def generate(
    items: Iterable[Item], teacher: Teacher, config: GenerationConfig, done: Collection[tuple[str, int]] = ()
) -> Iterator[Score | Reject]:
    """One ungraded `Score` per item and sample, in order, streamed; `Score.generation` is the whole reply (the grader
    takes the answer out of it). An item whose samples are all in `done` (pairs of item id and sample) is not asked. A
    request that failed is a Reject ("no-reply"), not an answer; TeacherError where the endpoint is dead.
    """
    wanted = [item for item in items if any((item.id, sample) not in done for sample in range(config.samples))]
    replies = teacher.complete(request(item, config) for item in wanted)
    for item, reply in zip(wanted, replies, strict=True):
        text = prompts.prompt(item, config.prompt_format)
        if reply.error is not None:
            yield Reject("generate", item.id, "no-reply", reply.error)
            continue
        for sample, reply_text in enumerate(reply.texts):
            if (item.id, sample) not in done:
                yield Score(
                    config.benchmark,
                    item.id,
                    sample,
                    teacher.name,
                    config.prompt_format,
                    text,
                    reply_text,
                    None,
                    None,
                    UNGRADED,
                    finish=reply.finish_reasons[sample] if sample < len(reply.finish_reasons) else "",
                    difficulty=item.difficulty,
                )
