"""The values of a record, and the same things in another form."""

from collections.abc import Iterable, Iterator
from typing import Any

from ray_app.semantics.record import Run
from ray_app.tracing.canonical import canonical
from ray_app.verification.known import UnknownError, literal_value

_LONGEST = 400
"""Characters of a value that is turned into other forms."""


def recorded_texts(run: Run) -> frozenset[str]:
    """Every canonical text in a record."""
    found = {evaluation.value for evaluation in run.evaluations}
    found |= {change.after for step in run.steps for change in step.changes if change.after is not None}
    found |= {text for step in run.steps for _, text in step.bound}
    found |= {text for frame in run.frames for text in (*frame.arguments.values(), frame.value or "")}
    return frozenset(found - {""})


def derived_texts(texts: Iterable[str]) -> frozenset[str]:
    """The same things in another container: the characters of a string, the items of a dictionary, in reverse ..."""
    return frozenset(canonical(made, _LONGEST * 4) for text in texts for made in _made_of(text))


def _made_of(text: str) -> Iterator[Any]:
    if len(text) > _LONGEST:
        return
    try:
        value: Any = literal_value(text)
    except UnknownError:
        return
    if isinstance(value, dict):
        yield from (list(value), list(value.values()), list(value.items()), set(value))
    elif isinstance(value, (str, list, tuple, set)):
        items = list(value)
        yield from (items, items[::-1], tuple(items))
        if isinstance(value, str):
            yield from (value[::-1], value.upper(), value.lower(), value.strip())
        yield from _sorted(items)


def _sorted(items: list[Any]) -> Iterator[Any]:
    try:
        yield from (sorted(items), sorted(items, reverse=True), set(items))
    except TypeError:
        return
