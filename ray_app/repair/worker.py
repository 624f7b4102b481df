"""Repair data as a stage: verified programs in, mistakes planted, runs recorded and compared, diagnoses told and
verified."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from ray_app.programs.inputs import constants, expand
from ray_app.records import Execution, Program, Reject, Repair, TracedProgram, is_among
from ray_app.repair.bug import ENDLESS, Bug, finishes
from ray_app.repair.case import DRAFT, STAGE, Case, Failure, explain, refused, shown
from ray_app.repair.changes import similarity
from ray_app.repair.mutate import mutants
from ray_app.sandbox.api import Job, Lane, execute_many
from ray_app.sandbox.limits import Limits
from ray_app.semantics.api import record_many
from ray_app.semantics.fitness import unfit

_BATCH = 32
_PROBES = 2
_ALIKE = 0.5
_SLIPS = ("TypeError", "AttributeError", "NameError", "UnboundLocalError")


@dataclass(frozen=True, slots=True)
class RepairConfig:
    """At most `per_program` bugs from at most `tries` mutants of each program, shown by the smallest of `inputs` calls.

    `share` of the programs take part, chosen by their ids. Of a run at most `events` are recorded; a diagnosis has at
    most about `max_tokens`.
    """

    limits: Limits = field(default_factory=lambda: Limits(cpu_s=0.1, trace_events=1_024))
    share: float = 1.0
    per_program: int = 2
    tries: int = 8
    inputs: int = 12
    seed: int = 0
    events: int = 4_096
    max_tokens: int = 1_024
    lane: Lane = "fast"


def repairs(rows: Iterable[TracedProgram], config: RepairConfig) -> Iterator[Repair | Reject]:
    """The verified repairs of each program, in order; a Reject for each bug that could not be told and verified, and
    for each program without a bug that shows."""
    chosen = (row for row in rows if is_among(config.share, row.id))
    while batch := list(islice(chosen, _BATCH)):
        yield from _batch(batch, config)


def explained(failures: Sequence[Failure], config: RepairConfig) -> Iterator[Repair | Reject]:
    """The outcome of each failure: both versions are recorded with its call."""
    limits = replace(config.limits, trace_events=config.events)
    versions = [(failure.call, code) for failure in failures for code in (failure.case.buggy, failure.case.fixed)]
    jobs = [Job(code, (call,), limits) for call, code in versions]
    recorded = record_many(jobs, lane=config.lane, partial=True)
    for failure, (wrong,), (right,) in zip(failures, recorded, recorded, strict=False):
        if wrong.run is None or right.run is None:
            yield refused(failure.case, f"not recorded: {wrong.reason or right.reason}", failure.call)
        else:
            yield explain(failure, Bug(wrong.run, right.run), max_tokens=config.max_tokens)


@dataclass(slots=True)
class _Subject:
    """A program with all calls that are fit as tests, and what it gives for them."""

    program: Program
    rights: list[Execution]
    failures: list[Failure | Reject] = field(default_factory=list[Failure | Reject])

    @property
    def calls(self) -> tuple[str, ...]:
        return tuple(run.call for run in self.rights)


def _batch(batch: Sequence[TracedProgram], config: RepairConfig) -> Iterator[Repair | Reject]:
    jobs = [Job(row.program.code, _calls(row.program, config), config.limits) for row in batch]
    fixed = execute_many(jobs, lane=config.lane, twice=True)
    subjects = {
        row.program.id: _Subject(row.program, _tests(row, runs)) for row, runs in zip(batch, fixed, strict=True)
    }
    _fail(subjects, config)
    failures = [found for subject in subjects.values() for found in subject.failures if isinstance(found, Failure)]
    outcomes = explained(failures, config)
    for subject in subjects.values():
        missing = "no bug that shows" if subject.rights else "recorded results not met again"
        if not subject.failures:
            yield Reject(STAGE, subject.program.id, missing)
        for found in subject.failures:
            yield next(outcomes) if isinstance(found, Failure) else found


def _fail(subjects: dict[str, _Subject], config: RepairConfig) -> None:
    """Finds the failures of each subject: mistakes that a few calls show, and that do not make a call endless."""
    cases = [case for subject in subjects.values() for case in _cases(subject, config)]
    probed = _runs(cases, [subjects[case.program_id].calls[:_PROBES] for case in cases], config)
    alive = [case for case, runs in zip(cases, probed, strict=True) if not _endless(runs)]
    runs = _runs(alive, [subjects[case.program_id].calls for case in alive], config)
    for case, wrong in zip(alive, runs, strict=True):
        subject = subjects[case.program_id]
        if len(subject.failures) < config.per_program and not _endless(wrong):
            found = shown(case, wrong, subject.rights)
            if isinstance(found, Failure) and _is_plausible(case, found, wrong):
                subject.failures.append(found)
    _confirm(subjects, config)


def _confirm(subjects: dict[str, _Subject], config: RepairConfig) -> None:
    """Runs each failing call again with another hash seed; one that then does something else is no failure."""
    for subject in subjects.values():
        failures = [found for found in subject.failures if isinstance(found, Failure)]
        jobs = [Job(found.case.buggy, (found.call,), config.limits) for found in failures]
        again = execute_many(jobs, lane=config.lane, twice=True)
        subject.failures = [_confirmed(found, runs[0]) for found, runs in zip(failures, again, strict=True)]


def _confirmed(found: Failure, again: Execution) -> Failure | Reject:
    if again.flags:
        return refused(found.case, f"flagged: {again.flags[0].partition(':')[0]}", found.call)
    return found


def _calls(program: Program, config: RepairConfig) -> tuple[str, ...]:
    """The program's known calls, and more of the same types."""
    return expand(program.calls, program.entry, config.inputs, int(program.id[:8], 16), constants(program.code))


def _tests(row: TracedProgram, runs: list[Execution]) -> list[Execution]:
    """The runs that are fit as tests; none where a recorded result is not met again."""
    known = {run.call: run.output for run in row.executions}
    if any(run.output != known.get(run.call, run.output) for run in runs):
        return []
    return [run for run in runs if not unfit(row.program.code, run)]


def _cases(subject: _Subject, config: RepairConfig) -> Iterator[Case]:
    """What a language model got wrong first, where that resembles the program; mutants at lines that some test runs."""
    program = subject.program
    for draft in program.drafts:
        if _ALIKE <= similarity(draft, program.code) < 1.0 and program.entry in _functions(draft):
            yield _case(program, draft, DRAFT)
    ran = {event.line for run in subject.rights if run.trace is not None for event in run.trace.events}
    for mutant in islice(mutants(program.code, ran, f"{config.seed}:{program.id}"), config.tries):
        yield _case(program, mutant.code, mutant.kind)


def _case(program: Program, buggy: str, kind: str) -> Case:
    return Case(program.id, program.description, program.entry, buggy, program.code, kind, program.difficulty)


def _functions(code: str) -> set[str]:
    try:
        return {node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)}
    except (SyntaxError, ValueError, RecursionError):
        return set()


def _runs(cases: list[Case], calls: list[tuple[str, ...]], config: RepairConfig) -> Iterator[list[Execution]]:
    jobs = [Job(case.buggy, some, config.limits) for case, some in zip(cases, calls, strict=True)]
    return execute_many(jobs, lane=config.lane)


def _endless(runs: list[Execution]) -> bool:
    return any(run.status in ENDLESS for run in runs)


def _is_plausible(case: Case, found: Failure, wrong: list[Execution]) -> bool:
    """Whether a person's mistake would show in this way: a planted one must leave the program running and not merely
    confuse types or names."""
    failing = next(run for run in wrong if run.call == found.call)
    confused = (failing.exception or "").partition(":")[0] in _SLIPS
    return case.kind == DRAFT or (finishes(wrong) and not confused)
