"""The sources of programs as stage workers: functions from rows and a configuration to rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from ray_app.programs.ask import AskConfig, ask
from ray_app.programs.grow import GrowConfig, grow
from ray_app.programs.trace import TraceConfig, trace_programs
from ray_app.records import Program, Reject, Seed, TracedProgram
from ray_app.stage import Spend
from ray_app.teacher.answering import Alike, Answering


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


@dataclass(frozen=True, slots=True)
class Asking:
    """How to ask, and whom."""

    whom: Answering
    ask: AskConfig = field(default_factory=AskConfig)


def ask_teacher(seeds: Iterable[Seed], config: Asking) -> Iterator[Program | Reject | Spend]:
    """One program or reject per seed, and at the end what the teacher was paid.

    TeacherError where it is dead, nearly all its replies fail alike, or its budget is spent: then nothing is written,
    and a rerun asks only what is not in the cache.
    """
    teacher = config.whom.teacher()
    alike = Alike(teacher.name, "program")
    try:
        for row in ask(seeds, teacher, config.ask):
            alike.note(row.reason if isinstance(row, Reject) else "", row.detail if isinstance(row, Reject) else "")
            yield row
        alike.ended()
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
