"""Narration as a stage's worker: recorded runs become verified rows, forward and backward.

A run that is too long to tell is replaced by a shorter one: another input of the same function, of those that fit the
longest. Only where there is none is the row refused.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ray_app.monologue import forward
from ray_app.monologue.forward import Narration
from ray_app.monologue.judging import narrated_backward
from ray_app.monologue.row import as_row
from ray_app.programs.shrink import smaller_calls
from ray_app.records import NARRATOR, Execution, Monologue, Program, Reject, TracedProgram
from ray_app.sandbox.batch import Job
from ray_app.semantics.api import LIMITS, Recording, record_many
from ray_app.semantics.fitness import unfit
from ray_app.semantics.record import Run
from ray_app.verification.judge import verify_forward

STAGE = "monologue"
_TOO_LONG = "too long"
_BATCH = 64
"""Programs that are recorded together: enough to keep the fast lane's children busy."""


@dataclass(frozen=True, slots=True)
class NarrateConfig:
    """How runs are told: in which style, with at most `detail` operations between two stated values, in about
    `max_tokens` at most. Where a run is longer, `shorter` other inputs are tried. `seed` chooses among wordings.
    """

    seed: int
    max_tokens: int
    style: forward.StyleName
    detail: forward.Detail
    shorter: int


def tell(rows: Iterable[TracedProgram], config: NarrateConfig) -> Iterator[Monologue | Reject]:
    """One verified forward and one verified backward monologue per fit execution; the others as rejects."""
    waiting = iter(rows)
    while batch := list(islice(waiting, _BATCH)):
        jobs = [Job(row.program.code, tuple(one.call for one in row.executions), LIMITS) for row in batch]
        for row, recordings in zip(batch, record_many(jobs, lane="fast"), strict=True):
            yield from told_forward(row.program, recordings, config)
            for recording in recordings:
                if recording.execution.status != "exception":
                    yield told_backward(row.program, recording, config)


def told_forward(
    program: Program, recordings: Sequence[Recording], config: NarrateConfig
) -> Iterator[Monologue | Reject]:
    """The forward row of each recording, or of a shorter run of the program in its place, or why there is none."""
    known = {recording.execution.call for recording in recordings}
    for recording in recordings:
        told = forward_row(program, recording, config)
        if isinstance(told, Reject) and told.reason == f"forward: {_TOO_LONG}":
            found = _shorter(program, recording.execution, known, config)
            known.add(found.call if isinstance(found, Monologue) else "")
            told = found or told
        yield told


def forward_row(program: Program, recording: Recording, config: NarrateConfig) -> Monologue | Reject:
    """The forward row of a recording, or why there is none."""
    execution, run = recording.execution, recording.run
    refused = recording.reason or unfit(program.code, execution, raising=True)
    if refused or run is None:
        return Reject(STAGE, program.id, f"forward: {refused}", execution.call)
    narration = narrated(run, config)
    if narration.refused:
        return Reject(STAGE, program.id, f"forward: {narration.refused}", execution.call)
    if narration.tokens > config.max_tokens:
        return Reject(STAGE, program.id, f"forward: {_TOO_LONG}", execution.call)
    verdict = verify_forward(run, narration.text)
    if not verdict.accepted:
        return Reject(STAGE, program.id, f"forward: {verdict.reason}", f"{execution.call}: {verdict.detail}")
    return as_row(
        program,
        execution,
        "forward",
        narration.text,
        verdict.claims,
        NARRATOR,
        style=config.style,
        detail=config.detail,
        longest_leap=narration.longest_leap,
        leap=narration.leap,
    )


def narrated(run: Run, config: NarrateConfig) -> Narration:
    """The forward text on a run."""
    return forward.narrate(run, style=config.style, detail=config.detail, seed=config.seed)


def _shorter(program: Program, execution: Execution, known: set[str], config: NarrateConfig) -> Monologue | None:
    """The longest forward row that fits, among runs on smaller inputs; None where none fits."""
    calls = [call for call in smaller_calls(execution.call, program.entry) if call not in known][: config.shorter]
    recordings = next(record_many([Job(program.code, tuple(calls), LIMITS)])) if calls else []
    rows = [forward_row(program, recording, config) for recording in recordings]
    fitting = [row for row in rows if isinstance(row, Monologue)]
    return max(fitting, key=lambda row: row.tokens, default=None)


def told_backward(program: Program, recording: Recording, config: NarrateConfig) -> Monologue | Reject:
    """The backward row of a recording, or why there is none."""
    execution, run = recording.execution, recording.run
    refused = recording.reason or unfit(program.code, execution)
    if refused or run is None:
        return Reject(STAGE, program.id, f"backward: {refused}", execution.call)
    told, verdict = narrated_backward(run, seed=config.seed, max_tokens=config.max_tokens)
    if told.reason:
        return Reject(STAGE, program.id, f"backward: {told.reason}", execution.call)
    if not verdict.accepted:
        return Reject(STAGE, program.id, f"backward: {verdict.reason}", f"{execution.call}: {verdict.detail}")
    return as_row(program, execution, "backward", told.text, verdict.claims, NARRATOR)
