"""Smaller inputs for the same function: what a run costs to tell depends on them more than on the program."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ray_app.programs.inputs import Call, parse_call

_SHARES = (0.5, 0.25, 0.75)


def smaller_calls(text: str, entry: str) -> tuple[str, ...]:
    """Different calls with smaller arguments: all, then each by itself, cut to a half, a quarter and three quarters.

    Empty where an argument is no literal, or nothing can be made smaller.
    """
    call = parse_call(text, entry)
    if call is None:
        return ()
    found = dict.fromkeys(str(other) for other in _smaller(call))
    found.pop(str(call), None)
    return tuple(found)


def _smaller(call: Call) -> Iterator[Call]:
    for share in _SHARES:
        yield replace(call, args=tuple(_cut(value, share) for value in call.args))
    for place in range(len(call.args)):
        for share in _SHARES:
            cut = _cut(call.args[place], share)
            yield replace(call, args=(*call.args[:place], cut, *call.args[place + 1 :]))


def _cut(value: Any, share: float) -> Any:
    """A value of the same type of about this share of its size; what has no size stays as it is."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value * share)
    if isinstance(value, (str, bytes, list, tuple)):
        shorter = value[: max(1, int(len(value) * share))]
        return [_cut_inside(item, share) for item in shorter] if isinstance(shorter, list) else shorter
    if isinstance(value, dict):
        kept = max(1, int(len(value) * share))
        return dict(list(value.items())[:kept])
    if isinstance(value, set):
        return set(sorted(value, key=repr)[: max(1, int(len(value) * share))])
    return value


def _cut_inside(value: Any, share: float) -> Any:
    """Rows of a table get shorter with it; other items stay what they are."""
    return _cut(value, share) if isinstance(value, list) else value
