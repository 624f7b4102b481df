"""A teacher explains recorded runs, and what is true of its words is kept: a stage's worker.

For each run that is asked about, forward and backward: ask, verify, send what is false back, edit what is left, keep.
Nothing is taken on trust: a row's text was accepted by the verifier after its last change, and carries every edit.
Not promised: that sentences which could not be checked, and were kept by the setting `unchecked`, are true.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from ray_app.monologue.answer import final_answer, raised_answer
from ray_app.monologue.finish import finished
from ray_app.monologue.judging import recorded_run
from ray_app.monologue.row import as_row
from ray_app.records import Direction, Execution, Monologue, Program, Reject, TracedProgram, content_id, is_among
from ray_app.sandbox.api import execute
from ray_app.sandbox.batch import Job
from ray_app.semantics.api import LIMITS, Recording, record_many
from ray_app.semantics.fitness import unfit
from ray_app.semantics.record import Run
from ray_app.semantics.render import render
from ray_app.semantics.source import label
from ray_app.stage import Spend
from ray_app.teacher.answering import UNANSWERED, Alike, Answering, PaidTeacher
from ray_app.teacher.client import Message, Reply, Request, Teacher
from ray_app.teacher.prompts import load
from ray_app.verification.backward import verify_backward
from ray_app.verification.edit import Edited, Unchecked
from ray_app.verification.judge import verify_forward
from ray_app.verification.verdict import Verdict

STAGE = "explained"
Grounding = Literal["told", "untold"]
CUT_OFF = "reply cut off at the cap"
_LINE = re.compile(r"\bL(\d+)  ")
"""A line's label in a record."""
_SENT_BACK = 6
"""Statements that are sent back at most: a small model loses its way among more."""


@dataclass(frozen=True, slots=True)
class ExplainConfig:
    """How a teacher is asked to explain.

    `grounding` "untold": it sees what a reader sees, as SemCoder's did; "told": it is also shown the record of the run.
    `share` of the programs of at most `longest_code` characters are asked about, in `calls` runs each, and of each run
    `samples` explanations a direction are asked for, of which at most `keep` stay, the least edited first. A refused
    one goes back `corrections` times (0 or 1). `unchecked` says what becomes of sentences that could not be checked.
    Runs whose question is longer than `longest_prompt` characters are left out. `batch` programs are asked about at
    once.
    """

    grounding: Grounding
    directions: tuple[Direction, ...]
    calls: int
    samples: int
    keep: int
    corrections: int
    unchecked: Unchecked
    temperature: float
    max_tokens: int
    longest_code: int
    longest_prompt: int
    seed: int = 0
    share: float = 1.0
    batch: int = 64


@dataclass(frozen=True, slots=True)
class Explaining:
    """Who explains, and how it is asked."""

    whom: Answering
    explain: ExplainConfig


@dataclass(slots=True)
class _Attempt:
    """A reply and its verdict, and what came when it had been sent back."""

    text: str
    verdict: Verdict
    is_cut_off: bool = False
    again: "_Attempt | None" = None


@dataclass(slots=True)
class _Question:
    """One run in one direction on its way. `unanswered`: why there is no attempt."""

    program: Program
    execution: Execution
    run: Run
    direction: Direction
    messages: tuple[Message, ...]
    attempts: list[_Attempt] = field(default_factory=list[_Attempt])
    unanswered: str = ""


def explain_rows(rows: Iterable[TracedProgram], config: Explaining) -> Iterator[Monologue | Reject | Spend]:
    """The explanations by a teacher, and at the end what it was paid for them.

    One client serves all shards that a process makes, so that a budget holds for them together.
    """
    teacher = _teachers.get(repr(config.whom)) or config.whom.teacher()
    _teachers[repr(config.whom)] = teacher
    before = teacher.usage
    yield from explain(rows, teacher, config.explain)
    now = teacher.usage
    yield Spend(
        now.prompt_tokens - before.prompt_tokens,
        now.completion_tokens - before.completion_tokens,
        now.cost_usd - before.cost_usd,
    )


_teachers: dict[str, PaidTeacher] = {}


def explain(rows: Iterable[TracedProgram], teacher: Teacher, config: ExplainConfig) -> Iterator[Monologue | Reject]:
    """The kept explanations of the chosen programs' runs, in row order, and why others fell.

    TeacherError where the endpoint is dead, the budget spent, or nearly all replies fail alike.
    """
    alike = Alike(teacher.name, "explanation")
    stream = (row for row in rows if is_asked_about(row, config))
    while batch := list(islice(stream, config.batch)):
        asked = list(_questions(batch, config))
        questions = [each for each in asked if isinstance(each, _Question)]
        _ask(questions, teacher, config)
        if config.corrections:
            _send_back(questions, teacher, config)
        for each in asked:
            yield from [each] if isinstance(each, Reject) else _outcome(each, teacher.name, config, alike)
    alike.ended()


def is_asked_about(row: TracedProgram, config: ExplainConfig) -> bool:
    """Whether a program is among those that the teacher explains."""
    return len(row.program.code) <= config.longest_code and is_among(config.share, place_of(row.id, config.seed))


def place_of(program_id: str, seed: int) -> str:
    """The place of a program among all in the order in which they are chosen: hexadecimal digits."""
    return content_id("explained", str(seed), program_id)


def requests(rows: Iterable[TracedProgram], config: ExplainConfig) -> Iterator[Request]:
    """The first question about each run: what a dry run estimates and a preview shows."""
    for each in _questions([row for row in rows if is_asked_about(row, config)], config):
        if isinstance(each, _Question):
            yield _request(each.messages, config, config.samples)


# -- questions ---------------------------------------------------------------------------------------------------------


def _questions(rows: Sequence[TracedProgram], config: ExplainConfig) -> Iterator[_Question | Reject]:
    jobs = [Job(row.program.code, tuple(one.call for one in row.executions[: config.calls]), LIMITS) for row in rows]
    for row, recordings in zip(rows, record_many(jobs, lane="fast"), strict=True):
        for recording in recordings:
            for direction in config.directions:
                found = _question(row.program, recording, direction, config)
                if found is not None:
                    yield found


def _question(
    program: Program, recording: Recording, direction: Direction, config: ExplainConfig
) -> _Question | Reject | None:
    """The question about a run; a Reject where it cannot be asked, None where there is nothing to ask."""
    run, execution = recording.run, recording.execution
    if direction == "backward" and execution.status == "exception":
        return None
    refused = recording.reason or unfit(program.code, execution, raising=direction == "forward")
    if refused or run is None:
        return Reject(STAGE, program.id, f"{direction}: {refused}", execution.call)
    prompt = question(program, run, direction, config.grounding)
    if len(prompt) > config.longest_prompt:
        return Reject(STAGE, program.id, f"{direction}: question too long", f"{execution.call}: {len(prompt)}")
    return _Question(program, execution, run, direction, ({"role": "user", "content": prompt},))


def question(program: Program, run: Run, direction: Direction, grounding: Grounding) -> str:
    """What the teacher is asked about a run."""
    return load(f"{direction}_{grounding}").render(
        code=label(program.code).rstrip(),
        call=run.call,
        entry=program.entry,
        arguments=", ".join(f"`{name}` = {value}" for name, value in run.frames[0].arguments.items()) or "no arguments",
        output=run.output or "",
        record=_LINE.sub(r"[L\1] ", render(run)),
        unfinished=_unfinished(program, run, direction),
        finished=final_answer(run.call, run.output) if run.output else raised_answer(run.call, run.exception or ""),
    )


def _unfinished(program: Program, run: Run, direction: Direction) -> str:
    """The answer with what is to be found left open."""
    if direction == "backward":
        return f"assert {program.entry}(??) == {run.output}"
    return f"assert {run.call} == ??" if run.exception is None else f"{run.call} raises ??"


def _request(messages: tuple[Message, ...], config: ExplainConfig, samples: int = 1) -> Request:
    return Request(messages, max_tokens=config.max_tokens, temperature=config.temperature, seed=config.seed, n=samples)


# -- replies -----------------------------------------------------------------------------------------------------------


def _ask(questions: Sequence[_Question], teacher: Teacher, config: ExplainConfig) -> None:
    """The first attempts; judged as they come, while others are still being written."""
    replies = teacher.complete(_request(each.messages, config, config.samples) for each in questions)
    for each, reply in zip(questions, replies, strict=True):
        each.attempts = _attempts(each, reply)
        each.unanswered = "" if each.attempts else reply.error or "empty reply"


def _send_back(questions: Sequence[_Question], teacher: Teacher, config: ExplainConfig) -> None:
    """What was refused goes back once, with what was found wrong."""
    refused = [(each, attempt) for each in questions for attempt in each.attempts if not attempt.verdict.accepted]
    replies = teacher.complete(_request(_conversation(each, attempt), config) for each, attempt in refused)
    for (each, attempt), reply in zip(refused, replies, strict=True):
        attempt.again = next(iter(_attempts(each, reply)), None)


def _attempts(each: _Question, reply: Reply) -> list[_Attempt]:
    reasons = reply.finish_reasons or ("",) * len(reply.texts)
    texts = dict(zip((text.strip() for text in reply.texts), reasons, strict=True))
    return [_Attempt(text, _judged(each, text), reason == "length") for text, reason in texts.items() if text]


def _judged(each: _Question, text: str) -> Verdict:
    if each.direction == "forward":
        return verify_forward(each.run, text, execute=execute)
    return verify_backward(each.run, text, record=recorded_run, execute=execute)


def _conversation(each: _Question, attempt: _Attempt) -> tuple[Message, ...]:
    correction = load("correct").render(feedback=_feedback(attempt))
    return (
        *each.messages,
        {"role": "assistant", "content": attempt.text},
        {"role": "user", "content": correction},
    )


def _feedback(attempt: _Attempt) -> str:
    """The statements that failed, each with the evidence; where none did, why the text is refused."""
    verdict = attempt.verdict
    false = [claim for claim in verdict.claims if claim.verdict == "false"]
    lines = [f'- "{claim.text}": {claim.evidence or "not so"}' for claim in false[:_SENT_BACK]]
    reason = CUT_OFF if attempt.is_cut_off else verdict.reason
    return "\n".join(dict.fromkeys(lines)) or f"- {reason}{': ' if verdict.detail else ''}{verdict.detail}"


# -- outcomes ----------------------------------------------------------------------------------------------------------


def _outcome(each: _Question, author: str, config: ExplainConfig, alike: Alike) -> Iterator[Monologue | Reject]:
    """The rows of a question, least edited first, then a Reject for each attempt that gave none."""
    program, direction = each.program, each.direction
    if each.unanswered:
        alike.note(UNANSWERED, each.unanswered)
        yield Reject(STAGE, program.id, f"{direction}: {UNANSWERED}", each.unanswered)
        return
    kept: dict[str, Edited] = {}
    refused: list[Reject] = []
    for attempt in each.attempts:
        found, reason = _best(each, attempt, config)
        alike.note(reason, attempt.text)
        if reason:
            refused.append(Reject(STAGE, program.id, f"{direction}: {reason}", _shown(each, attempt)))
        elif len(found.edits) <= len(kept.get(found.text, found).edits):
            kept[found.text] = found
    for found in sorted(kept.values(), key=lambda found: len(found.edits))[: config.keep]:
        yield as_row(program, each.execution, direction, found.text, found.verdict.claims, author, edits=found.edits)
    yield from refused


def _best(each: _Question, attempt: _Attempt, config: ExplainConfig) -> tuple[Edited, str]:
    """The attempt or what came of sending it back, whichever needs fewer edits; or why neither can be kept."""
    texts = [attempt, attempt.again] if attempt.again is not None else [attempt]
    edited = [finished(each.run, one.text, each.direction, config.unchecked) for one in texts]
    good = [one for one in edited if not one.reason]
    if good:
        return min(good, key=lambda one: len(one.edits)), ""
    return edited[-1], CUT_OFF if texts[-1].is_cut_off else edited[-1].reason


def _shown(each: _Question, attempt: _Attempt) -> str:
    """What a refused row says of itself: the call, what was found wrong, and the words."""
    last = attempt.again or attempt
    return f"{each.execution.call}: {last.verdict.detail}\n\n{last.text}"
