"""Whether the true claims of a text tell the state changes that decide the output.

The deciding changes (`deciding`) are grouped by the line and variable that they happen at. A group of one or two must
be told whole; of a longer one (a loop, a recursion) the first, the last and one between. A loop's own variable need
not be
told where the loop's body has deciding changes. Where no state change decides, the way must be told: a branch, or a
line, or a value on the way to the result.
"""

import ast
import functools
from collections.abc import Iterable

from ray_app.monologue.deciding import deciding
from ray_app.monologue.evaluate import Unknown, parse_value
from ray_app.monologue.timeline import Timeline


def missing(timeline: Timeline, covered: Iterable[tuple[int, str]]) -> list[str]:
    """What of the deciding changes is not told, in words; empty where enough is."""
    told = set(covered)
    told_values = {(index, _value(timeline, index, name)) for index, name in told}
    lacking: list[str] = []
    for (function, line, name), visits in groups(timeline).items():
        seen = [
            index in {i for i, n in told if n == name} or (index, _value(timeline, index, name)) in told_values
            for index in visits
        ]
        wanted = [0, len(visits) - 1]
        lacking += [
            f"{name} = {_value(timeline, visits[position], name)} at L{line} in {function}"
            for position in sorted(set(wanted))
            if not seen[position]
        ]
        if len(visits) > 2 and not any(seen[1:-1]):
            lacking.append(f"any value of {name} between its first and last at L{line} in {function}")
    return lacking


@functools.lru_cache(maxsize=8)
def groups(timeline: Timeline) -> dict[tuple[str, int, str], list[int]]:
    """The deciding changes that must be told: (function, line, variable) to the indices of the moments, in order."""
    found: dict[tuple[str, int, str], list[int]] = {}
    for index, name in sorted(deciding(timeline).changes):
        moment = timeline.moments[index]
        value = _value(timeline, index, name)
        if not _is_literal(value) or isinstance(timeline.source.statements.get(moment.line), ast.Return):
            continue
        found.setdefault((moment.function, moment.line, name), []).append(index)
    return {key: visits for key, visits in found.items() if not _implied(timeline, key, found)}


def _implied(timeline: Timeline, key: tuple[str, int, str], found: dict[tuple[str, int, str], list[int]]) -> bool:
    """A loop's own variable, where the loop's body has a deciding change that will be told."""
    loop = timeline.source.loops.get(key[1])
    if loop is None:
        return False
    return any(other[0] == key[0] and loop.line < other[1] <= loop.end for other in found)


def _is_literal(value: str | None) -> bool:
    """Whether a text can state the value: objects and values that the tracer cut cannot be asked for."""
    try:
        return value is not None and parse_value(value) is not Ellipsis
    except Unknown:
        return False


def _value(timeline: Timeline, index: int, name: str) -> str | None:
    return next((change.value for change in timeline.moments[index].changes if change.name == name), None)
