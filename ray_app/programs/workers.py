"""The sources of programs as stage workers: functions from rows and a configuration to rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from ray_app.errors import TeacherError
from ray_app.programs.ask import UNANSWERED, AskConfig, ask
from ray_app.programs.grow import GrowConfig, grow
from ray_app.programs.trace import TraceConfig, trace_programs
from ray_app.records import Program, Reject, Seed, TracedProgram
from ray_app.stage import Spend
from ray_app.teacher.budget import Usage
from ray_app.teacher.client import Teacher


@dataclass(frozen=True, slots=True)
class Plot:
    """One call of `grow`: `count` programs of one difficulty from one seed."""

    seed: int
    count: int
    difficulty: int


def grow_plots(plots: Iterable[Plot], config: GrowConfig) -> Iterator[Program | Reject]:
    """The programs of each plot, in order."""
    for plot in plots:
        yield from grow(plot.seed, plot.count, plot.difficulty, config)


class PaidTeacher(Teacher, Protocol):
    """A teacher that knows what it cost."""

    @property
    def usage(self) -> Usage: ...

    def close(self) -> None: ...


class Answering(Protocol):
    """Who answers: an endpoint (`teacher.endpoint`) or vLLM inside the cluster (`teacher.engine`)."""

    def teacher(self) -> PaidTeacher: ...


@dataclass(frozen=True, slots=True)
class Asking:
    """How to ask, and whom."""

    whom: Answering
    ask: AskConfig = field(default_factory=AskConfig)


def ask_teacher(seeds: Iterable[Seed], config: Asking) -> Iterator[Program | Reject | Spend]:
    """One program or reject per seed, and at the end what the teacher was paid.

    TeacherError where it is dead, refuses every question, or its budget is spent: then nothing is written, and a rerun
    asks only what is not in the cache.
    """
    teacher = config.whom.teacher()
    answered, refusal = False, ""
    try:
        for row in ask(seeds, teacher, config.ask):
            if isinstance(row, Reject) and row.reason == UNANSWERED:
                refusal = refusal or row.detail
            else:
                answered = True
            yield row
        if refusal and not answered:
            raise TeacherError(f"{teacher.name} refuses every question: {refusal}; ask another model or endpoint")
        usage = teacher.usage
        yield Spend(usage.prompt_tokens, usage.completion_tokens, usage.cost_usd)
    finally:
        teacher.close()


def trace_rows(programs: Iterable[Program], config: TraceConfig) -> Iterator[TracedProgram | Reject]:
    """The traced programs, without CPU times: those differ from run to run, and shards must not."""
    for row in trace_programs(programs, config):
        if isinstance(row, Reject):
            yield row
        else:
            yield replace(row, executions=tuple(replace(done, cpu_us=0) for done in row.executions))
