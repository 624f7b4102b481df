"""From programs with candidate calls to traced programs: more inputs, execution, filters, choice, second execution."""

import ast
import platform
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from ray_app.programs.coverage import choose
from ray_app.programs.inputs import constants, expand
from ray_app.records import Execution, Program, Reject, TracedProgram
from ray_app.sandbox.api import Job, Sandbox, shared
from ray_app.sandbox.limits import Limits

STAGE = "trace"
_FALSY_OUTPUTS = frozenset({"None", "NotImplemented", "Ellipsis"})


@dataclass(frozen=True, slots=True)
class TraceConfig:
    """What makes an execution fit as ground truth. `candidates` calls are executed, at most `keep` of them kept."""

    limits: Limits = field(default_factory=lambda: Limits(cpu_s=0.2, trace_events=1_024))
    candidates: int = 10
    keep: int = 5
    min_keep: int = 1
    max_output_chars: int = 1_000
    max_call_chars: int = 1_000
    min_events: int = 3
    batch: int = 64
    seed: int = 0


def trace_programs(
    programs: Iterable[Program], config: TraceConfig | None = None, sandbox: Sandbox | None = None
) -> Iterator[TracedProgram | Reject]:
    """Each program with its kept calls and their executions, in order, or a Reject with the reason.

    Kept calls end normally within the limits, denied nothing, give a short literal value, and gave the same value and
    trace when run again in another process. The program's result depends on its input. `program.calls` are the kept
    calls; its `id` stays. SandboxError if this machine cannot isolate programs.
    """
    config = config or TraceConfig()
    sandbox = sandbox or shared()
    stream = iter(programs)
    while batch := list(islice(stream, config.batch)):
        yield from _trace_batch(batch, config, sandbox)


def _trace_batch(batch: list[Program], config: TraceConfig, sandbox: Sandbox) -> Iterator[TracedProgram | Reject]:
    first = sandbox.execute_many([_job(program, _candidates(program, config), config) for program in batch])
    chosen = [_choose(program, runs, config) for program, runs in zip(batch, first, strict=True)]
    again = [
        _job(program, tuple(run.call for run in runs), config)
        for program, runs in zip(batch, chosen, strict=True)
        if not isinstance(runs, Reject)
    ]
    second = iter(list(sandbox.execute_many(again)))
    for program, runs in zip(batch, chosen, strict=True):
        if isinstance(runs, Reject):
            yield runs
        else:
            yield _settle(program, runs, next(second), config, sandbox)


def _job(program: Program, calls: tuple[str, ...], config: TraceConfig) -> Job:
    return Job(program.code, calls, config.limits, trace=True)


def _candidates(program: Program, config: TraceConfig) -> tuple[str, ...]:
    seed = int(program.id[:8], 16) ^ config.seed
    return expand(program.calls, program.entry, config.candidates, seed, constants(program.code))


def _choose(program: Program, runs: list[Execution], config: TraceConfig) -> list[Execution] | Reject:
    """The executions worth keeping, or why there are none."""
    reasons = [refusal(run, config) for run in runs]
    fit = [run for run, reason in zip(runs, reasons, strict=True) if reason is None]
    if len(fit) < config.min_keep:
        worst = Counter(reason for reason in reasons if reason is not None).most_common(1)
        detail = next((run.exception or run.status for run, r in zip(runs, reasons, strict=True) if r), "no calls")
        return Reject(STAGE, program.id, worst[0][0] if worst else "no inputs", f"{program.origin}: {detail}"[:200])
    if len(fit) >= 2 and len({run.output for run in fit}) == 1:
        return Reject(STAGE, program.id, "constant output", f"{program.origin}: {fit[0].output}"[:200])
    if all(_echoes(run) for run in fit):
        return Reject(STAGE, program.id, "echoes its input", program.origin)
    return [fit[index] for index in choose([run.trace for run in fit if run.trace is not None], config.keep)]


def refusal(run: Execution, config: TraceConfig) -> str | None:
    """The short fixed reason why an execution is unfit as ground truth, None where it is fit."""
    if run.status == "exception":
        return "raises"
    if run.status != "ok" or run.output is None:
        return run.status if run.status != "ok" else "no output"
    if run.flags:
        return "denied" if any(flag.startswith("denied") for flag in run.flags) else "flagged"
    if run.trace is None or run.trace.truncated:
        return "trace too long"
    if len(run.trace.events) < config.min_events:
        return "trace too short"
    if len(run.call) > config.max_call_chars:
        return "input too long"
    if len(run.output) > config.max_output_chars:
        return "output too long"
    if run.output in _FALSY_OUTPUTS:
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


def _settle(
    program: Program, runs: list[Execution], again: list[Execution], config: TraceConfig, sandbox: Sandbox
) -> TracedProgram | Reject:
    same = [run for run, other in zip(runs, again, strict=True) if _equal(run, other)]
    if len(same) < len(runs):
        return Reject(STAGE, program.id, "not deterministic", program.origin)
    return TracedProgram(
        id=program.id,
        program=replace(program, calls=tuple(run.call for run in same)),
        executions=tuple(same),
        sandbox=sandbox.layers,
        python=platform.python_version(),
        tracer="semray",
    )


def _equal(first: Execution, second: Execution) -> bool:
    return replace(first, cpu_us=0) == replace(second, cpu_us=0)
