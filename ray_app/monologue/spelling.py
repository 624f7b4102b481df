"""A call of one of the program's functions as a text spells it: its name with the values of its arguments."""

import ast

from ray_app.monologue.evaluate import parse_value, show
from ray_app.monologue.phrase import is_tellable
from ray_app.monologue.timeline import Frame, Timeline


def spelled(timeline: Timeline, frame: Frame) -> str:
    """The call that a frame is, with its argument values: "fact(2)"; "fact(...)" where a value is long or no literal.

    "" for what has no name of its own: a lambda, the body of a class.
    """
    definition = timeline.source.function(frame.function)
    if definition is None:
        return ""
    values = _arguments(definition.args, frame.arguments)
    if values is None or any(len(value) > 80 or "`" in value for value in values):
        return f"{definition.name}(...)"
    return f"{definition.name}({', '.join(values)})"


def _arguments(shape: ast.arguments, given: dict[str, str]) -> list[str] | None:
    """The arguments that bind the parameters so, as a call spells them; None where one is no literal."""
    names = [argument.arg for argument in (*shape.posonlyargs, *shape.args)]
    named = [argument.arg for argument in shape.kwonlyargs]
    gathering = [gather.arg for gather in (shape.vararg, shape.kwarg) if gather is not None]
    if not all(is_tellable(given.get(name)) for name in (*names, *named, *gathering)):
        return None
    values = [given[name] for name in names]
    values += [show(item) for item in parse_value(given[shape.vararg.arg])] if shape.vararg else []
    values += [f"{name}={given[name]}" for name in named]
    further = parse_value(given[shape.kwarg.arg]) if shape.kwarg else {}
    return [*values, *(f"{name}={show(value)}" for name, value in further.items())]
