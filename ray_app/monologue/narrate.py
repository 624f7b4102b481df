"""Monologues from a trace, without an LLM: every statement in them is read off the run and checked again by the
verifier.

`forward` tells code + call -> output in execution order; `backward` tells code + output -> an input, as constraints
and a witness. `narrate` turns traced programs into verified rows. The text is deterministic per seed.
"""

import random
from collections.abc import Iterable, Iterator, Sequence

from ray_app.monologue.backward import backward as backward
from ray_app.monologue.deciding import deciding
from ray_app.monologue.overview import invariants, purpose
from ray_app.monologue.phrase import is_tellable, listed, tokens
from ray_app.monologue.source import read
from ray_app.monologue.telling import MAX_LEVEL, Teller
from ray_app.monologue.timeline import Timeline, arrange
from ray_app.monologue.verify import Verdict, unfit, verify_backward, verify_forward
from ray_app.records import Execution, Monologue, Reject, TracedProgram, content_id

STAGE = "monologue"


def forward(code: str, entry: str, execution: Execution, *, seed: int = 0, max_tokens: int = 1024) -> str:
    """The forward monologue of a finished, traced call; ends with `[ANSWER] assert call == output [/ANSWER]`.

    Detail is dropped until the text fits `max_tokens` (an estimate); the shortest telling is returned even where it
    does not fit. ValueError where the execution has no complete trace or no output.
    """
    reason = unfit(code, execution)
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
    parts += [opening(timeline, execution, rng), *told, "", answer(execution)]
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


def answer(execution: Execution) -> str:
    """The final answer in the form that training and evaluation use."""
    return f"[ANSWER] assert {execution.call} == {execution.output} [/ANSWER]"


def narrate(
    traced: Iterable[TracedProgram], *, seed: int, max_tokens: int = 1024, backward_too: bool = True
) -> Iterator[Monologue | Reject]:
    """One verified forward and one verified backward monologue per execution that is fit for it; the others as
    rejects.
    """
    for row in traced:
        known = [execution for execution in row.executions if execution.status == "ok"]
        for execution in row.executions:
            yield narrate_forward(row, execution, seed, max_tokens)
            if backward_too:
                yield narrate_backward(row, execution, seed, max_tokens, [e for e in known if e is not execution])


def narrate_forward(row: TracedProgram, execution: Execution, seed: int, max_tokens: int) -> Monologue | Reject:
    """The forward row of one execution, or why there is none."""
    program = row.program
    refused = unfit(program.code, execution)
    if refused:
        return Reject(STAGE, program.id, f"forward: {refused}", execution.call)
    text = forward(program.code, program.entry, execution, seed=seed, max_tokens=max_tokens)
    if tokens(text) > max_tokens:
        return Reject(STAGE, program.id, "forward: too long", execution.call)
    verdict = verify_forward(program.code, program.entry, execution, text)
    return _row(row, execution, "forward", text, execution.call, verdict)


def narrate_backward(
    row: TracedProgram, execution: Execution, seed: int, max_tokens: int, others: Sequence[Execution]
) -> Monologue | Reject:
    """The backward row of one execution, or why there is none."""
    program = row.program
    refused = unfit(program.code, execution)
    if refused:
        return Reject(STAGE, program.id, f"backward: {refused}", execution.call)
    text, witness = backward(program.code, program.entry, execution, seed=seed, max_tokens=max_tokens, others=others)
    if not text:
        return Reject(STAGE, program.id, "backward: no constraint found", execution.call)
    if tokens(text) > max_tokens:
        return Reject(STAGE, program.id, "backward: too long", execution.call)
    verdict = verify_backward(program.code, program.entry, execution, text, others=others)
    return _row(row, execution, "backward", text, witness, verdict)


def _row(
    row: TracedProgram, execution: Execution, direction: str, text: str, witness: str, verdict: Verdict
) -> Monologue | Reject:
    program = row.program
    if not verdict.accepted:
        return Reject(STAGE, program.id, f"{direction}: {verdict.reason}", f"{execution.call}: {verdict.detail}")
    return Monologue(
        id=content_id(program.id, direction, execution.call, text),
        program_id=program.id,
        source=program.source,
        code=program.code,
        entry=program.entry,
        difficulty=program.difficulty,
        direction="forward" if direction == "forward" else "backward",
        call=execution.call,
        output=execution.output or "",
        text=text,
        witness=witness,
        author="narrator",
        claims=verdict.claims,
    )
