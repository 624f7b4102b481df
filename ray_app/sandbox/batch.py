"""From what children left to one Execution per call: who is charged, what runs again, when a program is done.

A `Unit` is one program on its way through one server; a `Task` is what one child gets: one unit in the safe lane, many
in the fast lane. `Task.take` applies an answer and returns the tasks that follow from it. Pure bookkeeping: no process.
"""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ray_app.errors import SandboxError
from ray_app.parsing import plain_source
from ray_app.records import Execution, ExecutionStatus
from ray_app.sandbox import protocol, scripts, warm
from ray_app.sandbox.client import Answer, Program
from ray_app.sandbox.limits import Limits
from ray_app.tracing import reader
from ray_app.tracing.model import Trace

DEFAULT_LIMITS = Limits()
ATTEMPTS = 2
"""runs of a call that ended in a way for which the machine may be to blame"""
DENIED = "denied:"
NONDETERMINISTIC = "nondeterministic"
_UNSURE_IN_COMPANY = {"memory", "timeout-wall", "tampered"}
_STATUS: tuple[ExecutionStatus, ...] = (
    "ok",
    "exception",
    "system-exit",
    "memory",
    "compile-error",
    "truncated",
    "tampered",
)


@dataclass(frozen=True, slots=True)
class Job:
    """One program with the calls to evaluate, each in a fresh run of the module `code`."""

    code: str
    calls: tuple[str, ...]
    limits: Limits = DEFAULT_LIMITS
    trace: bool = True
    notes: bool = False
    """Recorded with notes (`ray_app.semantics`): then the results' `trace` is no trace."""

    @property
    def tracing(self) -> int:
        """What is recorded, as a server is told of it."""
        return protocol.RECORDED if self.notes else int(self.trace)


class Result(NamedTuple):
    """An `Execution` whose trace is as it was recorded: small, and cheap to send. `ending` is a whole program's."""

    call: str
    status: ExecutionStatus
    output: str | None
    exception: str | None
    stdout: str
    cpu_us: int
    flags: tuple[str, ...]
    trace: bytes
    ending: scripts.Ending | None = None

    def execution(self) -> Execution:
        """The same with its trace decoded."""
        stderr = self.ending.stderr if self.ending else ""
        return Execution(
            self.call,
            self.status,
            self.output,
            self.exception,
            self.stdout,
            self.cpu_us,
            self.flags,
            _read_trace(self.trace),
            stderr,
        )


@dataclass(eq=False, slots=True)
class Unit:
    """A job under way: `results` fills up in any order. `redone` is the unit that replaces it, where one has to."""

    job: Job
    tier: str
    results: list[Result | None] = field(default_factory=list)
    waits: dict[int, int] = field(default_factory=dict)
    redone: "Unit | None" = None

    def __post_init__(self) -> None:
        self.results = [None] * len(self.job.calls)

    @property
    def line(self) -> str:
        """The kind of server that runs it."""
        return self.tier + (warm.RECORDING if self.job.notes else "")

    def missing(self) -> list[int]:
        return [index for index, result in enumerate(self.results) if result is None]

    def final(self) -> "Unit":
        return self if self.redone is None else self.redone.final()

    def finished(self) -> list[Result] | None:
        """The results, None while some are missing."""
        results = self.final().results
        return None if None in results else [result for result in results if result]

    def again(self, tier: str) -> "Unit":
        """Starts over, in another tier or without company."""
        self.redone = Unit(self.job, tier)
        return self.redone


@dataclass(eq=False, slots=True)
class Task:
    """What one child runs. All units of a task share limits, tracing and tier."""

    units: list[Unit]

    def programs(self) -> tuple[Program, ...]:
        """What is left to run, as the server takes it."""
        return tuple((unit.job.code, tuple(_sent(unit.job.calls[i]) for i in unit.missing())) for unit in self.units)

    def take(self, answer: Answer) -> list["Task"]:
        """Files the answer's records and charges the call during which the child ended; what must run next.

        SandboxError if the child could not be confined.
        """
        if answer.exit_code == protocol.EXIT_NOT_CONFINED:
            raise SandboxError("the kernel refused to confine a child of the sandbox; nothing of the program has run")
        order = [(unit, index) for unit in self.units for index in unit.missing()]
        follow: list[Task] = []
        for at, ((unit, index), record) in enumerate(zip(order, answer.records, strict=False)):
            if record[0] != protocol.NOT_SHARED:
                unit.results[index] = _finished(unit.job.calls[index], record, answer.denials.get(at, ()))
            elif unit.redone is None:
                follow.append(Task([unit.again(unit.tier)]))
        stopped_early = answer.running < len(order) and not (
            answer.exit_code == protocol.EXIT_SLOT_FULL and answer.records
        )
        if stopped_early:
            unit, index = order[answer.running]
            if len(self.units) > 1:
                follow.append(Task([unit.again(unit.tier)]))
            elif not _may_be_the_machine(answer) or unit.waits.get(index, 0) + 1 >= ATTEMPTS:
                unit.results[index] = _culprit(unit.job.calls[index], answer)
            else:
                unit.waits[index] = unit.waits.get(index, 0) + 1
        return follow + self._next()

    def _next(self) -> list["Task"]:
        """The rest of this task, and units that must be done over elsewhere."""
        alone = len(self.units) == 1
        follow: list[Task] = []
        for unit in self.units:
            if unit.redone is None and (results := unit.finished()):
                denied = any(flag.startswith(DENIED) for result in results for flag in result.flags)
                if denied and (larger := warm.next_tier(unit.tier)):
                    follow.append(Task([unit.again(larger)]))
                elif not alone and (denied or not _UNSURE_IN_COMPANY.isdisjoint([result.status for result in results])):
                    follow.append(Task([unit.again(unit.tier)]))
        self.units = [unit for unit in self.units if unit.redone is None and None in unit.results]
        return [*follow, self] if self.units else follow


def _finished(call: str, record: protocol.RecordFields, denials: Sequence[str]) -> Result:
    status, cpu_ns, trace, output, exception, stdout, flags = record
    names: tuple[str, ...] = ()
    if (flags or denials) and status != protocol.COMPILE_ERROR:  # the compiler looks for the source file, to quote it
        names = tuple(dict.fromkeys([*flags.split("\n"), *(DENIED + name for name in denials)]))
    status_name = _STATUS[status] if status < len(_STATUS) else "tampered"
    flags_found = tuple(filter(None, names))
    result = Result(call, status_name, output, exception, stdout, cpu_ns // 1000, flags_found, trace)
    return _ended(result) if scripts.is_script(call) else result


def _sent(call: str) -> str | scripts.Spec:
    """A call as the child takes it."""
    script = scripts.read(call)
    return call if script is None else script.spec


def _ended(result: Result) -> Result:
    """The result of a whole program: its output is the exit code, and to leave with 0 is to succeed."""
    ending = scripts.ending(result.output)
    if ending is None:
        status: ExecutionStatus = "tampered" if result.status == "ok" else result.status
        return result._replace(status=status, output=None)
    succeeded = result.status == "system-exit" and ending.exit_code == 0
    return result._replace(
        status="ok" if succeeded else result.status,
        output=str(ending.exit_code),
        exception=None if succeeded else result.exception,
        ending=ending,
    )


def _read_trace(data: bytes) -> Trace | None:
    if not data:
        return None
    try:
        return reader.decode(data)
    except ValueError:  # the child died while it wrote, or its memory was corrupted
        return Trace((), truncated=True)


def _may_be_the_machine(answer: Answer) -> bool:
    """A busy machine fires wall limits, and one short of memory sends SIGKILL, which no program here can do."""
    killed = os.WIFSIGNALED(answer.wait_status) and os.WTERMSIG(answer.wait_status) == signal.SIGKILL
    return answer.reason == protocol.WALL_TIMEOUT or (answer.reason == protocol.ENDED and killed)


def _culprit(call: str, answer: Answer) -> Result:
    """The result of the call during which the child ended without a record."""
    status: ExecutionStatus = "early-exit"
    if answer.exit_code == protocol.EXIT_TAMPERED:
        status = "tampered"
    elif answer.reason == protocol.CPU_TIMEOUT:
        status = "timeout-cpu"
    elif answer.reason == protocol.WALL_TIMEOUT:
        status = "timeout-wall"
    elif os.WIFSIGNALED(answer.wait_status):
        status = "signal"
    ending = None
    if scripts.is_script(call):
        if answer.exit_code == protocol.EXIT_SLEPT:
            status = "timeout-cpu"
        elif status in ("early-exit", "signal"):
            ending = scripts.Ending(os.waitstatus_to_exitcode(answer.wait_status), "", 0.0)
    cpu_us = max(0, answer.cpu_ns - sum(record[1] for record in answer.records)) // 1000
    flags = tuple(DENIED + name for name in answer.denials.get(answer.running, []))
    output = None if ending is None else str(ending.exit_code)
    return Result(call, status, output, None, "", cpu_us, flags, answer.trace, ending)


def compare(first: list[Result], second: list[Result]) -> list[Result]:
    """The first results, flagged "nondeterministic" where the second differ in anything but CPU time and flags."""

    def outcome(result: Result) -> tuple[object, ...]:
        return result.status, result.output, result.exception, result.stdout, result.trace, result.ending

    return [
        one if outcome(one) == outcome(other) else one._replace(flags=(*one.flags, NONDETERMINISTIC))
        for one, other in zip(first, second, strict=True)
    ]


def unit(job: Job) -> Unit:
    """A job at its start, in the tier that its imports ask for."""
    if job.code.startswith("\ufeff") or "\r" in job.code:
        job = replace(job, code=plain_source(job.code))
    tier = warm.tier_of(job.code)
    if tier == "lean" and any(map(scripts.is_script, job.calls)):
        tier = warm.OF_SCRIPTS
    return Unit(job, tier)
