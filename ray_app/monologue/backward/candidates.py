"""Predicates that may hold of every input with an output: candidates, to be tried.

`laws` relate any result to a parameter: one that holds on all inputs tried says something about this one, too.
`properties` are of the parameters alone.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ray_app.programs.inputs import literal

_SIZED = (str, list, tuple, dict, set)
_FLAT = (str, int, float, bool, type(None))
_MAX_ITEM = 40
_MAX_ITEMS = 4
_RESULT = re.compile(r"\bresult\b")


def laws(arguments: Mapping[str, Any], output: Any) -> Iterator[str]:
    """Predicates over the parameters and `result` or one of its items, the strongest of a kind first."""
    yield from _laws(arguments, output)
    if isinstance(output, tuple) and len(output) <= _MAX_ITEMS:
        for place, item in enumerate(output):
            yield from (_RESULT.sub(f"result[{place}]", law) for law in _laws(arguments, item))


def _laws(arguments: Mapping[str, Any], output: Any) -> Iterator[str]:
    for name, value in arguments.items():
        if isinstance(output, _SIZED) and isinstance(value, _SIZED):
            yield from _of_sizes(name, value, output)
            yield from _of_elements(name, value, output)
        if type(output) is int and isinstance(value, _SIZED):
            yield f"result == len({name})"
            yield f"result < len({name})"
            yield f"result == len({name}) {_signed(output - len(value))}"
            yield f"result <= len({name})"
        if type(output) is int and type(value) is int:
            yield from (f"result == {name}", f"result >= {name}", f"result <= {name}", f"result % 2 == {name} % 2")
        if type(value) is dict and isinstance(output, _FLAT):
            yield from (f"result in {name}", f"result in {name}.values()")
        if isinstance(value, (list, tuple)) and isinstance(output, _FLAT):
            yield f"result in {name}"
    sized = [name for name, value in arguments.items() if isinstance(value, _SIZED)]
    if isinstance(output, _SIZED) and len(sized) > 1:
        yield f"len(result) == {' + '.join(f'len({name})' for name in sized)}"


def _of_sizes(name: str, value: Any, output: Any) -> Iterator[str]:
    difference = len(output) - len(value)
    yield f"len(result) == len({name})"
    if difference:
        yield f"len(result) == len({name}) {_signed(difference)}"
    yield f"len(result) >= len({name})"
    yield f"len(result) <= len({name})"


def _signed(number: int) -> str:
    return f"{'+' if number >= 0 else '-'} {abs(number)}"


def _of_elements(name: str, value: Any, output: Any) -> Iterator[str]:
    if type(value) is not type(output):
        if isinstance(value, (list, tuple)) and isinstance(output, (list, tuple, str)):
            yield f"all(x in {name} for x in result)"
        return
    yield f"result == {name}"
    if isinstance(value, dict):
        yield f"all(key in {name} for key in result)"
        yield f"all(key in result for key in {name})"
        return
    yield f"sorted(result) == sorted({name})"
    if isinstance(value, str):
        yield f"result.lower() == {name}.lower()"
        yield from (f"result.startswith({name})", f"result.endswith({name})", f"{name} in result")
        yield from (f"{name}.startswith(result)", f"{name}.endswith(result)", f"result in {name}")
    yield f"all(x in {name} for x in result)"
    yield f"all(x in result for x in {name})"
    if not isinstance(value, set):
        yield from (f"result[:1] == {name}[:1]", f"result[-1:] == {name}[-1:]", f"result[:1] == {name}[-1:]")


def properties(name: str, value: Any) -> Iterator[str]:
    """Predicates over one parameter that its recorded value meets."""
    if isinstance(value, bool) or value is None:
        yield f"{name} is {value}"
    elif isinstance(value, (int, float)):
        yield from _of_number(name, value)
    elif isinstance(value, _SIZED):
        yield from (f"len({name}) == {len(value)}", f"len({name}) >= {len(value)}", f"len({name}) <= {len(value)}")
        yield f"len({name}) > 0" if value else f"len({name}) == 0"
        if isinstance(value, str):
            yield from _of_text(name, value)
        elif isinstance(value, (list, tuple)):
            yield from _of_items(name, list(value))
        elif isinstance(value, dict) and value and all(type(item) is int for item in value.values()):
            whole = f"{name}.values()"
            yield from (f"max({whole}) == {max(value.values())}", f"min({whole}) == {min(value.values())}")
            yield f"sum({whole}) == {sum(value.values())}"
        if isinstance(value, (dict, set)):
            yield from (f"{literal(key)} in {name}" for key in sorted(value, key=repr)[:5] if _is_short(key))


def _of_number(name: str, value: float) -> Iterator[str]:
    yield f"{name} == {value!r}"
    yield f"{name} > 0" if value > 0 else f"{name} <= 0"
    yield from (f"{name} >= {value!r}", f"{name} <= {value!r}")
    if isinstance(value, int):
        yield f"{name} % 2 == {value % 2}"


def _of_text(name: str, value: str) -> Iterator[str]:
    if value:
        yield from (f"{name}.startswith({value[0]!r})", f"{name}.endswith({value[-1]!r})")
    for method in ("isalpha", "isdigit", "islower", "isupper", "isalnum"):
        yield f"{name}.{method}()" if getattr(value, method)() else f"not {name}.{method}()"
    for character in sorted(set(value))[:8]:
        yield f"{character!r} in {name}"
        yield f"{name}.count({character!r}) == {value.count(character)}"
    if not any(character.isdigit() for character in value):
        yield f"not any(c.isdigit() for c in {name})"


def _of_items(name: str, value: list[Any]) -> Iterator[str]:
    for item in value[:5]:
        if _is_short(item):
            yield f"{literal(item)} in {name}"
    if value and _is_short(value[0]) and _is_short(value[-1]):
        yield from (f"{name}[0] == {literal(value[0])}", f"{name}[-1] == {literal(value[-1])}")
    if value and all(type(item) is int for item in value):
        yield from (f"sum({name}) == {sum(value)}", f"max({name}) == {max(value)}", f"min({name}) == {min(value)}")
        yield from (f"all(x > 0 for x in {name})", f"{name} == sorted({name})")
    if len(value) > 1 and all(isinstance(item, _FLAT) for item in value):
        yield f"len(set({name})) == len({name})"


def _is_short(value: Any) -> bool:
    return isinstance(value, _FLAT) and len(literal(value)) < _MAX_ITEM
