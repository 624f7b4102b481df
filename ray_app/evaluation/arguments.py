"""Argument lists as JSON that keeps tuples, sets and complex numbers, and is quick to read where a program runs."""

import json
from typing import Any

REVIVE = """
def _semray_revive(pair):
    from builtins import complex, set, tuple
    if "!tuple" in pair:
        return tuple(pair["!tuple"])
    if "!set" in pair:
        return set(pair["!set"])
    if "!complex" in pair:
        return complex(*pair["!complex"])
    return pair
"""
"""Source of the `object_hook` with which `json.loads` reads what `encode` wrote."""


def encode(arguments: list[Any]) -> str:
    """The JSON text of lists of None, bool, int, float, complex, str, list, tuple, set and dict with str keys."""
    return json.dumps(_tagged(arguments))


def decode(text: str) -> list[Any]:
    """The inverse of `encode`."""
    return json.loads(text, object_hook=_revive)


def _tagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_tagged(part) for part in value]
    if isinstance(value, dict):
        return {key: _tagged(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return {"!tuple": [_tagged(part) for part in value]}
    if isinstance(value, set):
        return {"!set": sorted((_tagged(part) for part in value), key=repr)}
    if isinstance(value, complex):
        return {"!complex": [value.real, value.imag]}
    return value


def _revive(pair: dict[str, Any]) -> Any:
    if "!tuple" in pair:
        return tuple(pair["!tuple"])
    if "!set" in pair:
        return set(pair["!set"])
    if "!complex" in pair:
        return complex(*pair["!complex"])
    return pair
