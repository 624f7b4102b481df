"""When does a returned value agree with the reference's? EvalPlus' rule, its exceptions, and our strict rule."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from ray_app.evaluation import values
from ray_app.evaluation.items import Item

FLOAT_TOLERANCE = 1e-6
_ANY_ORDER = frozenset(
    (
        "similar_elements",
        "find_char_long",
        "common_in_nested_lists",
        "extract_singly",
        "larg_nnum",
        "intersection_array",
        "find_dissimilar",
        "Diff",
    )
)
_FOUND_OR_NOT = frozenset(("check_str", "text_match_three", "text_starta_endb"))


class Opaque:
    """A returned object that no literal writes; all that is known here is that it is not None."""


OPAQUE = Opaque()


def tolerances(item: Item, expected: Sequence[Any]) -> list[float]:
    """The absolute tolerance of each comparison. As in EvalPlus, the first expected float turns it on for the rest."""
    tolerance, found = item.atol, list[float]()
    for value in expected:
        if tolerance == 0 and _is_floats(value):
            tolerance = FLOAT_TOLERANCE
        found.append(tolerance)
    return found


def ignores_order(item: Item) -> bool:
    """Whether EvalPlus compares what this function returns as a set."""
    return item.id.startswith("Mbpp") and item.entry in _ANY_ORDER


def only_found_or_not(item: Item) -> bool:
    """Whether EvalPlus only asks of this function if it returned something."""
    return item.id.startswith("Mbpp") and item.entry in _FOUND_OR_NOT


def needs_reading(item: Item, text: str) -> bool:
    """Whether equal texts do not yet mean agreement (nan is not itself; a root is checked, not compared)."""
    return "nan" in text or item.entry == "find_zero"


def official(item: Item, arguments: list[Any], value: Any, expected: Any, tolerance: float) -> bool:
    """EvalPlus' rule for one test, with its exceptions by function name. OpaqueError where the value must be run."""
    if item.entry == "find_zero" and item.id.startswith("HumanEval"):
        return _is_root(arguments[0], value, tolerance)
    if item.id.startswith("Mbpp") and item.entry == "are_equivalent":
        return True
    if only_found_or_not(item):
        return _found(value, expected)
    if ignores_order(item):
        return _as_set(value) == _as_set(expected)
    if value is OPAQUE:
        raise values.OpaqueError("an object")
    if item.id.startswith("Mbpp") and item.entry == "sum_div" and value == 0:
        return True
    if _has_second_reading(item) and _second_reading(item.entry, arguments, value, tolerance):
        return True
    if value == expected:
        return True
    if tolerance == 0 or type(value) is not type(expected):
        return False
    return values.close(value, expected, tolerance)


def strict(item: Item, arguments: list[Any], value: Any, expected: Any, tolerance: float) -> bool:
    """Our rule for one test that passed officially: types count (an int may stand for a float, never for a bool), sets
    keep their multiplicity, and there are no answers that always pass."""
    if item.entry == "find_zero" and item.id.startswith("HumanEval"):
        return True
    if only_found_or_not(item):
        return value is None or value is OPAQUE or isinstance(value, bool)
    if ignores_order(item):
        return value is not OPAQUE and len(value) == len(expected)
    if _has_second_reading(item) and _second_reading(item.entry, arguments, value, tolerance):
        return True
    return value is not OPAQUE and values.alike(value, expected, tolerance)


def _is_floats(value: Any) -> bool:
    if isinstance(value, list | tuple) and value:
        return all(isinstance(part, float) for part in value)
    return isinstance(value, float)


def _is_root(coefficients: list[float], value: Any, tolerance: float) -> bool:
    if value is OPAQUE:
        raise values.OpaqueError("an object")
    try:
        total = sum(coefficient * math.pow(value, power) for power, coefficient in enumerate(coefficients))
        return abs(total) <= tolerance
    except (TypeError, ValueError, OverflowError):
        return False


def _found(value: Any, expected: bool) -> bool:
    return value == expected if isinstance(value, bool) else expected == (value is not None)


def _as_set(value: Any) -> set[Any] | None:
    if value is OPAQUE:
        raise values.OpaqueError("an object")
    try:
        return set(value)
    except TypeError:
        return None


def _pyramid(base: Any, height: Any) -> int:
    """Mbpp/581 with the height as the distance from the base to the apex."""
    return round(base**2 + 2 * base * math.sqrt((base / 2) ** 2 + height**2))


def _digits_apart(first: Any, second: Any) -> int:
    """Mbpp/558 with the shorter number padded by zeros."""
    width = max(len(str(first)), len(str(second)))
    return sum(abs(int(a) - int(b)) for a, b in zip(str(first).zfill(width), str(second).zfill(width), strict=True))


_SECOND_READINGS: dict[str, Callable[[Any, Any], int]] = {
    "surface_Area": _pyramid,
    "digit_distance_nums": _digits_apart,
}


def _has_second_reading(item: Item) -> bool:
    return item.id.startswith("Mbpp") and item.entry in _SECOND_READINGS


def _second_reading(entry: str, arguments: list[Any], value: Any, tolerance: float) -> bool:
    """Two descriptions can be read in two ways; a solution may follow either."""
    wanted = _SECOND_READINGS[entry](*arguments)
    try:
        return bool(abs(value - wanted) <= (tolerance if entry == "surface_Area" else 0))
    except TypeError:
        return False
