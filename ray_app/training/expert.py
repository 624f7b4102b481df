"""Expert iteration: the student explains executions, the verifier keeps what is true, and that is trained on next.

The student is any `Teacher`, so usually the serving endpoint of the latest checkpoint. Nothing is taken on trust: every
claim of a kept monologue holds against the trace, and a witness has been run.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ray_app.mixture import backward_prompt, forward_prompt
from ray_app.monologue.judging import judge
from ray_app.monologue.row import as_row
from ray_app.records import Direction, Execution, Monologue, Reject, TracedProgram, content_id, is_among
from ray_app.semantics.fitness import unfit
from ray_app.stage import Spend
from ray_app.teacher.client import Message, Reply, Request, Teacher
from ray_app.teacher.endpoint import Endpoint

STAGE = "expert"


@dataclass(frozen=True, slots=True)
class ExpertConfig:
    """`attempts` monologues are sampled per question; at most `keep` different verified ones stay, short ones first.

    `share` of the programs are asked about, chosen by id and `seed`, so that another seed chooses others. `chat` False
    sends the prompt as raw text, for models that were trained in the paper's format.
    """

    directions: tuple[Direction, ...]
    attempts: int
    keep: int
    temperature: float
    max_tokens: int
    seed: int
    share: float = 1.0
    chat: bool = True


@dataclass(frozen=True, slots=True)
class Explaining:
    """Which endpoint explains, and how it is asked."""

    whom: Endpoint
    expert: ExpertConfig


def explain(rows: Iterable[TracedProgram], config: Explaining) -> Iterator[Monologue | Reject | Spend]:
    """A stage's worker: `iterate` with the model at an endpoint, and at the end what it was paid."""
    student = config.whom.teacher()
    try:
        yield from iterate(rows, student, config.expert)
        usage = student.usage
        yield Spend(usage.prompt_tokens, usage.completion_tokens, usage.cost_usd)
    finally:
        student.close()


@dataclass(frozen=True, slots=True)
class _Question:
    row: TracedProgram
    execution: Execution
    direction: Direction


def iterate(rows: Iterable[TracedProgram], student: Teacher, config: ExpertConfig) -> Iterator[Monologue | Reject]:
    """What the student said about the chosen programs' executions: verified monologues, and why others fell.

    Questions are asked as training and evaluation ask them, in row order; results come in that order too. A failed
    request is one Reject ("no reply"). TeacherError where the endpoint is dead.
    """
    asked: deque[_Question] = deque()

    def requests() -> Iterator[Request]:
        for question in _questions(rows, config):
            asked.append(question)
            yield _request(question, config)

    for reply in student.complete(requests()):
        yield from _judged(asked.popleft(), reply, student.name, config.keep)


def _questions(rows: Iterable[TracedProgram], config: ExpertConfig) -> Iterator[_Question]:
    for row in rows:
        if is_among(config.share, content_id(str(config.seed), row.id)):
            for execution in row.executions:
                if not unfit(row.program.code, execution):
                    yield from (_Question(row, execution, direction) for direction in config.directions)


def _request(question: _Question, config: ExpertConfig) -> Request:
    program, execution = question.row.program, question.execution
    if question.direction == "forward":
        prompt = forward_prompt(program.code, execution.call)
    else:
        prompt = backward_prompt(program.code, program.entry, execution.output or "")
    return Request(
        messages=(Message(role="user", content=prompt),) if config.chat else (),
        prompt=None if config.chat else prompt,
        max_tokens=config.max_tokens,
        temperature=config.temperature,
        seed=config.seed,
        n=config.attempts,
    )


def _judged(question: _Question, reply: Reply, student: str, keep: int) -> Iterator[Monologue | Reject]:
    program, direction = question.row.program, question.direction
    if reply.error is not None:
        yield Reject(STAGE, program.id, f"{direction}: no reply", reply.error)
        return
    kept, execution = 0, question.execution
    for text in sorted(dict.fromkeys(text.strip() for text in reply.texts), key=len):
        verdict = judge(program.code, execution.call, direction, text)
        if not verdict.accepted:
            yield Reject(STAGE, program.id, f"{direction}: {verdict.reason}", verdict.detail)
        elif kept < keep:
            kept += 1
            yield as_row(program, execution, direction, text, verdict.claims, student)
