"""The value of expressions in recorded states: CPython evaluates them, in the sandbox, in the program's namespace."""

import ast
from collections.abc import Mapping, Sequence

from ray_app.parsing import parse_expression
from ray_app.programs.tries import Execute
from ray_app.sandbox.limits import Limits

_LIMITS = Limits(cpu_s=0.05, wall_s=60.0)


def evaluate_in(code: str, questions: Sequence[tuple[str, Mapping[str, str]]], execute: Execute) -> list[str | None]:
    """For each (expression, names with the canonical texts of their values) the canonical text of its value.

    None where the expression raises, or reads a variable whose value is no literal.
    """
    calls = [_call(expression, state) for expression, state in questions]
    asked = list(dict.fromkeys(call for call in calls if call))
    done = execute(code, asked, _LIMITS, trace=False) if asked else []
    found = {call: one.output if one.status == "ok" else None for call, one in zip(asked, done, strict=True)}
    return [found.get(call) for call in calls]


def _call(expression: str, state: Mapping[str, str]) -> str:
    """The expression as a call that binds what it reads; "" where that cannot be written."""
    try:
        tree = parse_expression(expression)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & set(state)
    if not all(is_literal(state[name]) for name in read):
        return ""
    names = sorted(read)
    return f"(lambda {', '.join(names)}: ({expression}))({', '.join(state[name] for name in names)})"


def is_literal(text: str) -> bool:
    """Whether a canonical text can be read back as the value."""
    try:
        ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return False
    return True


def same_value(stated: str, output: str) -> bool:
    """Whether a literal, spelled anyhow, is the value of a canonical text: of the same type, and equal."""
    if stated == output:
        return True
    if not (is_literal(stated) and is_literal(output)):
        return False
    one, other = ast.literal_eval(stated), ast.literal_eval(output)
    return _typed(one) == _typed(other)


def _typed(value: object) -> object:
    """A value that is equal only to values of the same types."""
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [_typed(item) for item in value]
    if isinstance(value, dict):
        return "dict", [(_typed(key), _typed(item)) for key, item in value.items()]
    if isinstance(value, (set, frozenset)):
        return type(value).__name__, sorted(map(repr, value))
    return type(value).__name__, repr(value)
