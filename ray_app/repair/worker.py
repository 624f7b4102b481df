"""Repair data as a stage: verified programs in, mistakes planted, runs compared, diagnoses told and verified."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from ray_app.programs.inputs import constants, expand
from ray_app.records import Execution, Program, Reject, Repair, TracedProgram, is_among
from ray_app.repair.align import similarity
from ray_app.repair.bug import ENDLESS, finishes, fit, smallest
from ray_app.repair.case import DRAFT, STAGE, Case, explain
from ray_app.repair.mutate import mutants
from ray_app.sandbox.api import Job, Lane, execute_many
from ray_app.sandbox.limits import Limits

_BATCH = 32
_PROBES = 2
_ALIKE = 0.5
_SLIPS = ("TypeError", "AttributeError", "NameError", "UnboundLocalError")


@dataclass(frozen=True, slots=True)
class RepairConfig:
    """At most `per_program` bugs from at most `tries` mutants of each program, shown by the smallest of `inputs` calls.

    `share` of the programs take part, chosen by their ids. A diagnosis has at most about `max_tokens`.
    """

    limits: Limits = field(default_factory=lambda: Limits(cpu_s=0.1, trace_events=1_024))
    share: float = 1.0
    per_program: int = 2
    tries: int = 8
    inputs: int = 12
    seed: int = 0
    max_tokens: int = 1_024
    lane: Lane = "fast"


def repairs(rows: Iterable[TracedProgram], config: RepairConfig) -> Iterator[Repair | Reject]:
    """The verified repairs of each program, in order; a Reject for each bug that could not be told and verified, and
    for each program without a bug that shows."""
    chosen = (row for row in rows if is_among(config.share, row.id))
    while batch := list(islice(chosen, _BATCH)):
        yield from _batch(batch, config)


@dataclass(slots=True)
class _Subject:
    """A program with all calls that are fit as tests, and what it gives for them."""

    program: Program
    rights: list[Execution]

    @property
    def calls(self) -> tuple[str, ...]:
        return tuple(run.call for run in self.rights)


def _batch(batch: Sequence[TracedProgram], config: RepairConfig) -> Iterator[Repair | Reject]:
    jobs = [Job(row.program.code, _calls(row.program, config), config.limits) for row in batch]
    fixed = execute_many(jobs, lane=config.lane, twice=True)
    subjects = [_Subject(row.program, _tests(row, runs)) for row, runs in zip(batch, fixed, strict=True)]
    cases = [case for subject in subjects for case in _cases(subject, config)]
    by_program = {subject.program.id: subject for subject in subjects}
    probed = _runs(cases, [by_program[case.program_id].calls[:_PROBES] for case in cases], config)
    alive = [case for case, runs in zip(cases, probed, strict=True) if not _endless(runs)]
    told: dict[str, list[Repair | Reject]] = {subject.program.id: [] for subject in subjects}
    runs = _runs(alive, [by_program[case.program_id].calls for case in alive], config)
    for case, wrong in zip(alive, runs, strict=True):
        outcomes, right = told[case.program_id], by_program[case.program_id].rights
        if len(outcomes) < config.per_program and _is_plausible(case, wrong, right):
            outcomes.append(_confirmed(case, wrong, right, config))
    for subject in subjects:
        missing = "no bug that shows" if subject.rights else "recorded results not met again"
        yield from told[subject.program.id] or [Reject(STAGE, subject.program.id, missing)]


def _calls(program: Program, config: RepairConfig) -> tuple[str, ...]:
    """The program's known calls, and more of the same types."""
    return expand(program.calls, program.entry, config.inputs, int(program.id[:8], 16), constants(program.code))


def _tests(row: TracedProgram, runs: list[Execution]) -> list[Execution]:
    """The runs that are fit as tests; none where a recorded result is not met again."""
    known = {run.call: run.output for run in row.executions}
    if any(run.output != known.get(run.call, run.output) for run in runs):
        return []
    return [run for run in runs if fit(row.program.code, run)]


def _cases(subject: _Subject, config: RepairConfig) -> Iterator[Case]:
    """What a language model got wrong first, where that resembles the program; mutants at lines that some test runs."""
    program = subject.program
    for draft in program.drafts:
        if _ALIKE <= similarity(draft, program.code) < 1.0 and program.entry in _functions(draft):
            yield Case(program.id, program.description, program.entry, draft, program.code, DRAFT, program.difficulty)
    ran = {event.line for run in subject.rights if run.trace is not None for event in run.trace.events}
    for mutant in islice(mutants(program.code, ran, f"{config.seed}:{program.id}"), config.tries):
        yield Case(
            program.id,
            program.description,
            program.entry,
            mutant.code,
            program.code,
            mutant.kind,
            program.difficulty,
        )


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


def _is_plausible(case: Case, wrong: list[Execution], right: list[Execution]) -> bool:
    """Whether a call fails, and in a way in which a person's mistake would show: a planted one must leave the program
    running and not merely confuse types or names."""
    found = smallest(wrong, right)
    if found is None or _endless(wrong) or case.kind == DRAFT:
        return found is not None and not _endless(wrong)
    return finishes(wrong) and (found[0].exception or "").partition(":")[0] not in _SLIPS


def _confirmed(case: Case, wrong: list[Execution], right: list[Execution], config: RepairConfig) -> Repair | Reject:
    """The repair, where the failing call does the same when it is run again with another hash seed."""
    found = smallest(wrong, right)
    assert found is not None
    again = next(execute_many([Job(case.buggy, (found[0].call,), config.limits)], lane=config.lane, twice=True))
    checked = [again[0] if run.call == again[0].call else run for run in wrong]
    return explain(case, checked, right, seed=config.seed, max_tokens=config.max_tokens)
