"""MBPP+ stores inputs as JSON; the functions under test expect tuples, sets and complex numbers in some problems.

`SHAPES` says in which, as the EvalPlus releases define it: numbers of problems by the way their arguments are rebuilt.
"""

from collections.abc import Callable
from typing import Any


def _each(depth: int) -> Callable[[list[Any]], list[Any]]:
    """Makes tuples of the lists `depth` levels below the argument list (0: the arguments themselves)."""

    def rebuild(arguments: list[Any]) -> list[Any]:
        return [_tuples_at(argument, depth) for argument in arguments]

    return rebuild


def _tuples_at(value: Any, depth: int) -> Any:
    if depth == 0:
        return tuple(value)
    return [_tuples_at(part, depth - 1) for part in value]


def _all_tuples(value: Any) -> Any:
    return tuple(map(_all_tuples, value)) if isinstance(value, list) else value


def _first_of_tuples(arguments: list[Any]) -> list[Any]:
    return [_tuples_at(arguments[0], 1), *arguments[1:]]


def _first_tuple(arguments: list[Any]) -> list[Any]:
    return [tuple(arguments[0]), *arguments[1:]]


def _second_tuple(arguments: list[Any]) -> list[Any]:
    return [arguments[0], tuple(arguments[1])]


def _sets(arguments: list[Any]) -> list[Any]:
    return [[set(part) if isinstance(part, list) and part else {} for part in arguments[0]]]


def _tuples_of_tuples(arguments: list[Any]) -> list[Any]:
    return [tuple(tuple(part) for part in argument) for argument in arguments]


def _inner_tuples(arguments: list[Any]) -> list[Any]:
    return [[tuple(part) if isinstance(part, list) else part for part in arguments[0]]]


def _values_tuples(arguments: list[Any]) -> list[Any]:
    return [{key: tuple(value) for key, value in arguments[0].items()}, *arguments[1:]]


def _angle(arguments: list[Any]) -> list[Any]:
    return [float(arguments[0]), complex(arguments[1])]


def _complex(arguments: list[Any]) -> list[Any]:
    return [complex(arguments[0])]


def _deep(arguments: list[Any]) -> list[Any]:
    return [_all_tuples(argument) for argument in arguments]


_GROUPS: tuple[tuple[Callable[[list[Any]], list[Any]], str], ...] = (
    (_each(0), "2 116 132 143 222 261 273 394 399 421 424 429 470 560 579 596 616 630 726 740 744 809"),
    (_each(1), "63 64 70 94 120 237 272 299 400 409 417 438 473 614 780"),
    (_first_of_tuples, "75 413 444 753"),
    (_second_tuple, "106 750"),
    (_sets, "115"),
    (_angle, "124"),
    (_first_tuple, "250 307 405 446 617 720 763 808"),
    (_tuples_of_tuples, "259 401 445"),
    (_inner_tuples, "278"),
    (_values_tuples, "722"),
    (_complex, "252"),
    (_deep, "580 615 791"),
)
SHAPES = {f"Mbpp/{number}": rebuild for rebuild, numbers in _GROUPS for number in numbers.split()}


def reshaped(item_id: str, inputs: list[list[Any]]) -> list[list[Any]]:
    """The argument lists of a problem with the types that its function expects."""
    rebuild = SHAPES.get(item_id)
    return inputs if rebuild is None else [rebuild(arguments) for arguments in inputs]
