"""Monologues from a trace, without an LLM: every statement in them is read off the run and checked again by the
verifier.

`forward` tells code + call -> output in execution order; `backward` tells code + output -> an input, as constraints
and a witness. `narrate` turns traced programs into verified rows. The text is deterministic per seed.
"""

import random
from collections.abc import Iterable, Iterator

from ray_app.monologue.answer import final_answer, raised_answer
from ray_app.monologue.backward_old import backward as backward
from ray_app.monologue.deciding import deciding
from ray_app.monologue.inputs import Run, remembered
from ray_app.monologue.overview import invariants, purpose
from ray_app.monologue.phrase import is_tellable, listed, tokens
from ray_app.monologue.rounds import MAX_LEVEL
from ray_app.monologue.source import read
from ray_app.monologue.telling import Teller
from ray_app.monologue.timeline import Timeline, arrange
from ray_app.monologue.told import as_row, judge, others_of
from ray_app.monologue.verify import unfit
from ray_app.records import Direction, Execution, Monologue, Reject, TracedProgram
from ray_app.sandbox.api import execute

STAGE = "monologue"


def forward(code: str, entry: str, execution: Execution, *, seed: int = 0, max_tokens: int = 1024) -> str:
    """The forward monologue of a traced call that returned or raised; it ends with the answer (`answer.final_answer`).

    Detail is dropped until the text fits `max_tokens` (an estimate); the shortest telling is returned even where it
    does not fit. ValueError where the execution has no complete trace, or ended in another way.
    """
    reason = unfit(code, execution, raising=True)
    if reason or execution.trace is None:
        raise ValueError(f"cannot narrate {execution.call}: {reason}")
    timeline = arrange(read(code), execution.trace)
    text = ""
    for level in range(MAX_LEVEL + 1):
        text = _tell(timeline, entry, execution, random.Random(f"{seed}:{execution.call}"), level)
        if tokens(text) <= max_tokens:
            break
    return text


def _tell(timeline: Timeline, entry: str, execution: Execution, rng: random.Random, level: int) -> str:
    slice_ = deciding(timeline)
    told = Teller(timeline, slice_, rng, level).tell() if timeline.moments else []
    parts: list[str] = []
    if level < MAX_LEVEL:
        parts += [line for line in (purpose(timeline, entry, rng), *invariants(timeline, rng)) if line]
    parts.append("")
    parts += [opening(timeline, execution, rng), *told, "", _answer(execution)]
    return "\n".join(parts).strip() + "\n"


def opening(timeline: Timeline, execution: Execution, rng: random.Random) -> str:
    """The sentence that begins a simulation: the call and what its parameters are bound to."""
    frame = timeline.frames[0]
    definition = timeline.source.function(frame.function)
    bound = [
        f"`{name}` is {value}" for name, value in frame.arguments.items() if is_tellable(value) and len(value) <= 200
    ]
    start = rng.choice(("Now the call", "Now run", "Take the call")) + f" `{execution.call}`"
    if "`" in execution.call or len(execution.call) > 200:
        start = "Now the call"
    where = f"[L{definition.lineno}] " if definition is not None and bound else ""
    return f"{where}{start}: {listed(bound)}." if bound else f"{start}."


def _answer(execution: Execution) -> str:
    if execution.exception:
        return raised_answer(execution.call, execution.exception)
    return final_answer(execution.call, execution.output or "")


def narrate(
    traced: Iterable[TracedProgram], *, seed: int, max_tokens: int = 1024, backward_too: bool = True
) -> Iterator[Monologue | Reject]:
    """One verified forward and one verified backward monologue per execution that is fit for it; the others as
    rejects. A call that an exception left has no value to reason back from, so it is told forward only.
    """
    for row in traced:
        run = remembered(execute)
        for execution in row.executions:
            yield narrate_forward(row, execution, seed, max_tokens)
            if backward_too and execution.status != "exception":
                yield narrate_backward(row, execution, seed, max_tokens, run)


def narrate_forward(row: TracedProgram, execution: Execution, seed: int, max_tokens: int) -> Monologue | Reject:
    """The forward row of one execution, or why there is none."""
    program = row.program
    refused = unfit(program.code, execution, raising=True)
    if refused:
        return Reject(STAGE, program.id, f"forward: {refused}", execution.call)
    text = forward(program.code, program.entry, execution, seed=seed, max_tokens=max_tokens)
    return _verified(row, execution, "forward", text, max_tokens, execute)


def narrate_backward(
    row: TracedProgram, execution: Execution, seed: int, max_tokens: int, run: Run
) -> Monologue | Reject:
    """The backward row of one execution, or why there is none."""
    program = row.program
    refused = unfit(program.code, execution)
    if refused:
        return Reject(STAGE, program.id, f"backward: {refused}", execution.call)
    others = others_of(row, execution)
    text, _ = backward(program.code, program.entry, execution, seed=seed, max_tokens=max_tokens, others=others, run=run)
    if not text:
        return Reject(STAGE, program.id, "backward: no constraint found", execution.call)
    return _verified(row, execution, "backward", text, max_tokens, run)


def _verified(
    row: TracedProgram, execution: Execution, direction: Direction, text: str, max_tokens: int, run: Run
) -> Monologue | Reject:
    if tokens(text) > max_tokens:
        return Reject(STAGE, row.program.id, f"{direction}: too long", execution.call)
    verdict = judge(row, execution, direction, text, run)
    if not verdict.accepted:
        return Reject(STAGE, row.program.id, f"{direction}: {verdict.reason}", f"{execution.call}: {verdict.detail}")
    return as_row(row, execution, direction, text, verdict, "narrator")
