"""From programs with candidate calls to traced programs: more inputs, double execution, filters, choice."""

import ast
import platform
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

from ray_app.programs.coverage import choose, measure, reached
from ray_app.programs.inputs import constants, expand
from ray_app.programs.noise import noise
from ray_app.programs.prune import prune
from ray_app.records import Execution, Program, Reject, TracedProgram, content_id
from ray_app.sandbox.api import Job, Sandbox, shared
from ray_app.sandbox.limits import Limits
from ray_app.tracing.recorder import TRACER

STAGE = "trace"
NOT_DETERMINISTIC = "not deterministic"
_NO_VALUES = frozenset({"None", "NotImplemented", "Ellipsis"})
# What the machine, the sandbox or a missing piece of the program raises, not the program on its input.
_NOT_THE_PROGRAM = frozenset(
    (
        *("RecursionError", "MemoryError", "SystemError", "NameError", "UnboundLocalError", "ImportError", "OSError"),
        *("ModuleNotFoundError", "PermissionError", "FileNotFoundError", "TimeoutError", "BlockingIOError"),
    )
)
# What any input of a wrong type raises: kept where a program raises nothing that says more.
_OF_TYPE = frozenset({"TypeError", "AttributeError"})


@dataclass(frozen=True, slots=True)
class TraceConfig:
    """What makes an execution fit as ground truth. `candidates` calls are executed, at most `keep` of them kept.

    Besides, at most `raising` calls that an exception leaves are kept, where the program also has a call that returns.
    `lane` is the sandbox's: "fast" shares a child between programs that pass a strict screen, "safe" never does.
    """

    limits: Limits = field(default_factory=lambda: Limits(cpu_s=0.2, trace_events=1_024))
    candidates: int = 16
    keep: int = 5
    min_keep: int = 1
    raising: int = 1
    max_output_chars: int = 1_000
    max_call_chars: int = 1_000
    min_events: int = 3
    lane: Literal["fast", "safe"] = "fast"
    batch: int = 256
    seed: int = 0


def trace_programs(
    programs: Iterable[Program], config: TraceConfig | None = None, sandbox: Sandbox | None = None
) -> Iterator[TracedProgram | Reject]:
    """Each program with its kept calls and their executions, in order, or a Reject with the reason.

    Kept calls end normally within the limits, denied nothing, give a short literal value, and gave the same value and
    trace when run again in another process with another hash seed. Behind them may stand calls that raise, with an
    ordinary exception and under the same conditions. The program's result depends on its input. What no
    kept call reaches in a grown program is removed, which changes its code and `id`. `program.calls` are the kept
    calls. SandboxError if this machine cannot isolate programs.
    """
    config = config or TraceConfig()
    sandbox = sandbox or shared()
    stream = iter(programs)
    while batch := list(islice(stream, config.batch)):
        # One run of everything shows what is worth two more: most refused programs never get that far.
        jobs = (_job(program, candidates(program, config), config) for program in batch)
        runs = sandbox.execute_many(jobs, lane=config.lane)
        chosen = [_chosen(program, found, config) for program, found in zip(batch, runs, strict=True)]
        jobs = (_job(row.program, row.program.calls, config) for row in chosen if isinstance(row, _Chosen))
        runs = sandbox.execute_many(jobs, lane=config.lane, twice=True)
        for row in chosen:
            yield row if isinstance(row, Reject) else _verified(row, next(runs), config, sandbox.layers)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A program with the calls that are worth two more runs: the first `returning` of them returned."""

    program: Program
    returning: int


def candidates(program: Program, config: TraceConfig) -> tuple[str, ...]:
    """The calls to try: the program's own, corner cases, mutations. Depends on the program and the seed only.

    A grown program's own calls were drawn for their types already, so it gets no others.
    """
    if program.source == "grow" and program.calls:
        return program.calls
    seed = int(program.id[:8], 16) ^ config.seed
    return expand(program.calls, program.entry, config.candidates, seed, constants(program.code))


def _job(program: Program, calls: tuple[str, ...], config: TraceConfig) -> Job:
    return Job(program.code, calls, config.limits, trace=True)


def _chosen(program: Program, runs: list[Execution], config: TraceConfig) -> _Chosen | Reject:
    """The program with the calls that are worth keeping and, if it is grown, without what they do not reach."""
    fit = _fit(program, runs, config)
    if isinstance(fit, Reject):
        return fit
    kept = [fit[index] for index in choose([run.trace for run in fit if run.trace is not None], config.keep)]
    if len(kept) > 1 and len({run.output for run in kept}) == 1:
        kept[-1] = next(run for run in fit if run.output != kept[0].output)
    raising = _raising(runs, config)[: config.raising]
    program = replace(program, calls=tuple(run.call for run in (*kept, *raising)))
    lean = _without_dead_code(program, [*kept, *raising]) if _has_dead_code(program, [*kept, *raising]) else program
    return lean if isinstance(lean, Reject) else _Chosen(lean, len(kept))


def _raising(runs: list[Execution], config: TraceConfig) -> list[Execution]:
    """The runs that end in an exception worth telling, those that say more than that a type is wrong first."""
    fit = [run for run in runs if run.status == "exception" and _raises_plainly(run, config)]
    return sorted(fit, key=lambda run: exception_type(run) in _OF_TYPE)


def _raises_plainly(run: Execution, config: TraceConfig) -> bool:
    """Whether a run ends in an exception that the program itself raises, and the trace shows it whole."""
    if run.flags or run.trace is None or run.trace.truncated or exception_type(run) in _NOT_THE_PROGRAM:
        return False
    return len(run.trace.events) >= config.min_events and len(run.call) <= config.max_call_chars and is_left_by(run)


def exception_type(run: Execution) -> str:
    """The type in "Type: message", "" where no exception ended the run."""
    return (run.exception or "").partition(":")[0].strip()


def is_left_by(run: Execution) -> bool:
    """Whether the trace shows how the exception that ended a run left the entry function: a generator's StopIteration
    is turned into another exception where no frame is, for example."""
    events = run.trace.events if run.trace is not None else ()
    last = next((event for event in reversed(events) if event.frame == 0), None)
    return last is not None and last.kind == "exception" and (last.value or "").partition(":")[0] == exception_type(run)


def _verified(chosen: _Chosen, runs: list[Execution], config: TraceConfig, layers: str) -> TracedProgram | Reject:
    """The program with its executions if two runs agree on them."""
    program = chosen.program
    kept = _fit(program, runs[: chosen.returning], config)
    if isinstance(kept, Reject):
        return kept
    kept += _raising(runs[chosen.returning :], config)
    if _has_dead_code(program, kept):
        return Reject(STAGE, program.id, "dead code", program.origin)
    return TracedProgram(
        id=program.id,
        program=replace(program, calls=tuple(run.call for run in kept)),
        executions=tuple(kept),
        sandbox=layers,
        python=platform.python_version(),
        tracer=TRACER,
    )


def _fit(program: Program, runs: list[Execution], config: TraceConfig) -> list[Execution] | Reject:
    """The runs that are fit as ground truth; a Reject where they are too few or say nothing about the input."""
    reasons = [refusal(run, config) for run in runs]
    fit = [run for run, reason in zip(runs, reasons, strict=True) if reason is None]
    if NOT_DETERMINISTIC in reasons:
        return Reject(STAGE, program.id, NOT_DETERMINISTIC, program.origin)
    if len(fit) < config.min_keep:
        worst = Counter(reason for reason in reasons if reason is not None).most_common(1)
        detail = next((run.exception or run.status for run, r in zip(runs, reasons, strict=True) if r), "no calls")
        return Reject(STAGE, program.id, worst[0][0] if worst else "no inputs", f"{program.origin}: {detail}"[:200])
    if len(fit) >= 2 and len({run.output for run in fit}) == 1:
        return Reject(STAGE, program.id, "constant output", f"{program.origin}: {fit[0].output}"[:200])
    if all(_echoes(run) for run in fit):
        return Reject(STAGE, program.id, "echoes its input", program.origin)
    return fit


def _has_dead_code(program: Program, runs: list[Execution]) -> bool:
    """Whether it is grown and has a line that none of the runs reaches. Mined code is left as its author wrote it."""
    if program.source != "grow":
        return False
    coverage = measure(program.code, [run.trace for run in runs if run.trace is not None])
    return coverage.lines < coverage.all_lines


def _without_dead_code(program: Program, runs: list[Execution]) -> Program | Reject:
    code = prune(program.code, reached(run.trace for run in runs if run.trace is not None))
    reason = noise(ast.parse(code), program.entry, needs_branch=program.difficulty >= 2)
    if reason is not None:
        return Reject(STAGE, program.id, f"dead code, then {reason}", program.origin)
    return replace(program, id=content_id("program", code, program.entry), code=code)


def refusal(run: Execution, config: TraceConfig) -> str | None:
    """The short fixed reason why an execution is unfit as ground truth, None where it is fit."""
    if "nondeterministic" in run.flags:
        return NOT_DETERMINISTIC
    if run.status != "ok" or run.output is None:
        return {"exception": "raises", "ok": "no output"}.get(run.status, run.status)
    if run.flags:
        return "denied"
    if run.trace is None or run.trace.truncated:
        return "trace too long"
    if len(run.trace.events) < config.min_events:
        return "trace too short"
    if len(run.call) > config.max_call_chars:
        return "input too long"
    if len(run.output) > config.max_output_chars:
        return "output too long"
    if run.output in _NO_VALUES:
        return "no value"
    return None if is_literal(run.output) else "output not literal"


def is_literal(text: str) -> bool:
    """Whether a canonical value is a Python literal, so that it can stand in an assertion."""
    try:
        ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def _echoes(run: Execution) -> bool:
    return run.output is not None and run.call.endswith(f"({run.output})")
