"""Recording calls in the sandbox: each runs plainly, with its line trace, and once more with notes.

A recording has a `run` that both witnesses agree on, or a reason why it has none. Nothing that a program does harms the
recordings of others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import tee

from ray_app.parsing import plain_source
from ray_app.records import Execution
from ray_app.sandbox.api import Lane, Sandbox, shared
from ray_app.sandbox.batch import NONDETERMINISTIC, Job, Result
from ray_app.sandbox.limits import Limits
from ray_app.semantics.agreement import agree
from ray_app.semantics.assembly import assemble
from ray_app.semantics.fitness import looks_at_itself
from ray_app.semantics.reader import Notes, decode
from ray_app.semantics.record import Run
from ray_app.semantics.source import read

__all__ = ["LIMITS", "Job", "Recording", "record", "record_many"]

LIMITS = Limits(trace_events=20_000)
"""The event cap holds for the record and for the line trace; of either, one event more is over the budget."""
_ENDED = ("ok", "exception")
_SLOWER = 4
"""how much longer than the plain run a recorded one may take"""


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded of one call. `execution` is the plain run's; `reason` says why there is no `run`, else "".

    Where a partial one was asked for, `run` may be there beside the reason, and is `cut`.
    """

    run: Run | None
    execution: Execution
    reason: str


def record(
    code: str, call: str, limits: Limits = LIMITS, *, partial: bool = False, sandbox: Sandbox | None = None
) -> Recording:
    """The recording of one call. `partial`: of a call that did not end within its budget, what was recorded until then
    is its run."""
    job = Job(code, (call,), limits)
    return next(record_many([job], partial=partial, sandbox=sandbox))[0]


def record_many(
    jobs: Iterable[Job], *, lane: Lane = "safe", partial: bool = False, sandbox: Sandbox | None = None
) -> Iterator[list[Recording]]:
    """The recordings of each job's calls, in the order of the jobs, in this process's sandbox or the given one.

    The jobs' `limits` should be as wide as `LIMITS`; whether they ask for traces is of no matter.
    """
    box = sandbox or shared()
    listed, plain, noted = tee((replace(job, code=plain_source(job.code)) for job in jobs), 3)
    executed = box.execute_many((replace(job, trace=True, notes=False) for job in plain), lane=lane)
    recorded = box.results_of((_with_notes(job) for job in noted if not looks_at_itself(job.code)), lane=lane)
    for job, executions in zip(listed, executed, strict=True):
        looks = looks_at_itself(job.code)
        if looks:
            yield [Recording(None, execution, looks) for execution in executions]
            continue
        results = next(recorded)
        made = [
            _recording(job, execution, result, partial=partial)
            for execution, result in zip(executions, results, strict=True)
        ]
        yield [_blamed(job, recording, box) for recording in made]


def _with_notes(job: Job) -> Job:
    limits = replace(job.limits, cpu_s=_SLOWER * job.limits.cpu_s, wall_s=_SLOWER * job.limits.wall_s)
    return replace(job, limits=limits, trace=True, notes=True)


def _recording(job: Job, execution: Execution, result: Result, *, partial: bool) -> Recording:
    """The run of a result with notes, if it is one, and the plain run agrees."""
    if execution.status not in _ENDED:
        reason = f"run not finished: {execution.status}"
        return Recording(_cut_run(job, result) if partial else None, execution, reason)
    if result.status != execution.status:
        return Recording(None, execution, _failure(result))
    try:
        notes = decode(result.trace)
        run = _assembled(job, result, notes)
    except ValueError:
        return Recording(None, execution, "the record contradicts the program")
    if notes.truncated:
        reason = f"over budget: {'events' if len(notes.entries) >= job.limits.trace_events else 'bytes'}"
        return Recording(_cut_run(job, result) if partial else None, execution, reason)
    reason = agree(run, execution)
    return Recording(None if reason else run, execution, reason)


def _blamed(job: Job, recording: Recording, box: Sandbox) -> Recording:
    """The recording, with a difference that two plain runs in different processes show put down to the program."""
    if not recording.reason.startswith("differs"):
        return recording
    again = box.execute(job.code, [recording.execution.call], job.limits, twice=True)[0]
    return replace(recording, reason=NONDETERMINISTIC) if NONDETERMINISTIC in again.flags else recording


def _failure(result: Result) -> str:
    if result.status == "compile-error":
        return "cannot be instrumented"
    return "over budget: time" if result.status.startswith("timeout") else "differs when recorded"


def _assembled(job: Job, result: Result, notes: Notes) -> Run:
    return assemble(read(job.code), notes, result.call, result.output, result.exception, result.stdout)


def _cut_run(job: Job, result: Result) -> Run | None:
    """What was recorded of a call that did not end, or not within its budget."""
    try:
        notes = replace(decode(result.trace), truncated=True)
        run = _assembled(job, result, notes)
    except ValueError:
        return None
    return replace(run, output=None, exception=None) if run.frames else None
