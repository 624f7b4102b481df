"""What `semray narrate` and `semray trace --format monologue` do, apart from their options and exit codes."""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ray_app.errors import InputError
from ray_app.monologue import forward
from ray_app.monologue.judging import narrated_backward
from ray_app.parsing import read_source
from ray_app.semantics.api import Recording, record
from ray_app.semantics.fitness import unfit
from ray_app.semantics.source import read
from ray_app.verification.judge import verify_forward


@dataclass(frozen=True, slots=True)
class Telling:
    """How a call is to be told; `style` and `detail` are for the forward direction."""

    direction: str = "forward"
    style: str = "prose"
    detail: int = 1
    seed: int = 0
    max_tokens: int = 1024


def narrate_file(path: Path, call: str, telling: Telling) -> str:
    """The monologue about one call of the program in a file; InputError as of `narrate_code`."""
    return narrate_code(_program(path), call, telling)


def narrate_code(code: str, call: str, telling: Telling) -> str:
    """The monologue about one call of a program. InputError where there is nothing that could be said, or where the
    verifier does not accept it.
    """
    if telling.direction not in ("forward", "backward"):
        raise InputError(f"--direction {telling.direction}: use forward or backward")
    if telling.style not in ("prose", "states"):
        raise InputError(f"--style {telling.style}: use prose or states")
    if telling.detail not in (1, 2, 3):
        raise InputError(f"--detail {telling.detail}: use 1, 2 or 3")
    if not _is_expression(call):
        raise InputError(f"--call {call}: not a Python expression")
    recording = record(code, call)
    reason = recording.reason or unfit(code, recording.execution, raising=telling.direction == "forward")
    if reason:
        shown = f" ({recording.execution.exception})" if recording.execution.exception else ""
        raise InputError(f"--call {call}: {reason}{shown}")
    return _forward(recording, telling) if telling.direction == "forward" else _backward(recording, telling)


def _program(path: Path) -> str:
    code = read_source(path)
    try:
        read(code)
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{path}: {error}") from error
    return code


def _forward(recording: Recording, telling: Telling) -> str:
    run = recording.run
    assert run is not None
    style: Literal["prose", "states"] = "states" if telling.style == "states" else "prose"
    detail: forward.Detail = 3 if telling.detail == 3 else 2 if telling.detail == 2 else 1
    narration = forward.narrate(run, style=style, detail=detail, seed=telling.seed)
    if narration.refused:
        raise InputError(f"--call {run.call}: {narration.refused}")
    if narration.tokens > telling.max_tokens:
        raise InputError(
            f"--call {run.call}: the telling takes about {narration.tokens} tokens, more than --max-tokens"
            f" {telling.max_tokens}; raise that, or choose a shorter run"
        )
    verdict = verify_forward(run, narration.text)
    if not verdict.accepted:
        raise InputError(f"--call {run.call}: the telling was not verified: {verdict.reason}: {verdict.detail}")
    return narration.text + "\n"


def _backward(recording: Recording, telling: Telling) -> str:
    run = recording.run
    assert run is not None
    told, verdict = narrated_backward(run, seed=telling.seed, max_tokens=telling.max_tokens)
    if told.reason:
        raise InputError(f"--call {run.call}: {told.reason}")
    if not verdict.accepted:
        raise InputError(f"--call {run.call}: the telling was not verified: {verdict.reason}: {verdict.detail}")
    return told.text


def _is_expression(call: str) -> bool:
    try:
        ast.parse(call.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return False
    return True
