"""Other inputs of a recorded call, tried: whoever asks for the same run gets the same inputs."""

import ast

from ray_app.programs.signature import Signature, signature
from ray_app.programs.tries import Execute, Tried, try_inputs
from ray_app.semantics.record import Run

_MAX_SEEN, _MAX_CHARS = 40, 30


def try_neighbours(run: Run, execute: Execute) -> Tried | None:
    """The recorded input and others like it with what they give; None where the call binds no parameters.

    Inputs are built of the arguments' values, however the call spells them, and of short values of the run.
    """
    shape = signature(run.source.code, run.frames[0].function) if run.frames else None
    call = plain_call(run, shape) if shape is not None else ""
    if shape is None or not call:
        return None
    values = tuple(dict.fromkeys(one.value for one in run.evaluations if len(one.value) < _MAX_CHARS))[:_MAX_SEEN]
    return try_inputs(run.source.code, shape, call, run.output, values=values, execute=execute)


def plain_call(run: Run, shape: Signature) -> str:
    """The run's call with every argument a literal where its value is one; "" where it is no plain call."""
    bound = shape.bind(run.call)
    if bound is None:
        return ""
    given = run.frames[0].arguments
    plain = {name: text if _is_literal(text) else given.get(name, text) for name, text in bound.items()}
    if plain == bound:
        return run.call
    spelled = {name: text if _is_literal(text) else bound[name] for name, text in plain.items()}
    return shape.spell(spelled, run.call)


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return False
    return True
