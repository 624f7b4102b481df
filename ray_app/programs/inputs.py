"""Calls as data: parse a call into literal arguments, mutate them by type, write the call back.

Mutation follows the rules of EvalPlus (Liu et al., 2023): numbers move by one or change sign, booleans flip, strings
and containers lose, repeat, gain or exchange an element, recursively by type; new elements come from a pool of the
program's own constants and arguments.
"""

import ast
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ray_app.errors import InputError

MAX_TEXT = 2_000
"""Longest call that is written, in characters; a mutation that grows beyond it is dropped."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose arguments are literal values. `before` and `after` are the text around the argument list."""

    before: str
    args: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...]
    after: str

    def __str__(self) -> str:
        parts = [literal(arg) for arg in self.args]
        parts += [f"{name}={literal(value)}" for name, value in self.keywords]
        return f"{self.before}({', '.join(parts)}){self.after}"


def literal(value: Any) -> str:
    """Python source for a value built of atoms and containers; sets sorted."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, set):
        return "{" + ", ".join(sorted(map(literal, value))) + "}" if value else "set()"
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return f"float('{value}')"
    return repr(value)


def parse_call(text: str, entry: str) -> Call | None:
    """The innermost call of `entry` in an expression, or None where an argument is not a literal."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == entry:
            return _from_node(node, text.strip())
    return None


def _from_node(node: ast.Call, text: str) -> Call | None:
    values = literal_arguments(node)
    source = ast.get_source_segment(text, node)
    if values is None or source is None or node.end_col_offset is None or node.lineno != node.end_lineno:
        return None
    line = text.encode()
    before = line[: node.col_offset].decode() + ast.unparse(node.func)
    return Call(before, values[0], values[1], line[node.end_col_offset :].decode())


def literal_arguments(node: ast.Call) -> tuple[tuple[Any, ...], tuple[tuple[str, Any], ...]] | None:
    """Positional and keyword values of a call, or None where one is no literal."""
    try:
        args = tuple(ast.literal_eval(arg) for arg in node.args)
        keywords = tuple((str(k.arg), ast.literal_eval(k.value)) for k in node.keywords if k.arg is not None)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return (args, keywords) if len(keywords) == len(node.keywords) else None


def constants(code: str) -> tuple[Any, ...]:
    """The distinct str, int and float constants of a program, in order: ingredients for mutation."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str | int | float) and not isinstance(value, bool) and len(repr(value)) < 40:
            found.setdefault(repr(value), value)
    return tuple(found.values())


def expand(calls: Sequence[str], entry: str, count: int, seed: int, pool: Iterable[Any] = ()) -> tuple[str, ...]:
    """`count` different calls or fewer: those given, then corner cases of each argument, then random mutations.

    The same arguments give the same calls. Calls that do not parse as literal calls are kept but not mutated.
    """
    if count < 1:
        raise InputError(f"count of inputs must be at least 1, not {count}")
    chosen = dict.fromkeys(calls)
    parsed = [call for text in chosen if (call := parse_call(text, entry)) is not None]
    rng = random.Random(seed)
    mutate = Mutator(rng, [*pool, *(v for call in parsed for v in _leaves(call.args))])
    for call in _variants(parsed, mutate, rng, count):
        text = str(call)
        if len(text) <= MAX_TEXT:
            chosen.setdefault(text)
        if len(chosen) >= count:
            break
    return tuple(chosen)[:count]


def _variants(parsed: list[Call], mutate: "Mutator", rng: random.Random, count: int) -> Iterator[Call]:
    if not parsed:
        return
    for call in parsed[:2]:
        for index, arg in enumerate(call.args):
            for corner in corners(arg):
                yield replace(call, args=(*call.args[:index], corner, *call.args[index + 1 :]))
    queue = list(parsed)
    for _ in range(8 * count):
        changed = _mutated(rng.choice(queue), mutate, rng)
        queue.append(changed)
        yield changed


def _mutated(call: Call, mutate: "Mutator", rng: random.Random) -> Call:
    places = len(call.args) + len(call.keywords)
    if not places:
        return call
    args, keywords = list(call.args), list(call.keywords)
    for place in {rng.randrange(places) for _ in range(rng.choice((1, 1, 2)))}:
        if place < len(args):
            args[place] = mutate(args[place])
        else:
            name, value = keywords[place - len(args)]
            keywords[place - len(args)] = (name, mutate(value))
    return replace(call, args=tuple(args), keywords=tuple(keywords))


def corners(value: Any) -> tuple[Any, ...]:
    """The corner cases of a value's type: empty, one element, zero, negative."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return (0, 1, -value) if value else (1,)
    if isinstance(value, float):
        return (0.0, -value)
    if isinstance(value, str | bytes | list | tuple):
        return (value[:0], value[:1]) if len(value) > 1 else (value[:0],)
    if isinstance(value, dict | set):
        return (type(value)(),)
    return ()


class Mutator:
    """Changes a value into a near value of the same type; new leaves come from `pool`."""

    def __init__(self, rng: random.Random, pool: Iterable[Any] = ()) -> None:
        self._rng = rng
        pool = list(pool)
        self._texts = [v for v in pool if isinstance(v, str) and v] or ["a", "B", "1", " "]
        self._ints = [v for v in pool if isinstance(v, int) and not isinstance(v, bool)]

    def __call__(self, value: Any) -> Any:
        rules: dict[type, Callable[[Any], Any]] = {
            bool: lambda v: not v,
            int: self._int,
            float: self._float,
            str: self._str,
            bytes: lambda v: self._str(v.decode("latin-1")).encode("latin-1", "replace"),
            list: self._list,
            tuple: self._tuple,
            dict: self._dict,
            set: lambda v: set(self._list(sorted(v, key=repr))),
        }
        rule = rules.get(type(value))
        return value if rule is None else rule(value)

    def _int(self, value: int) -> int:
        options = [value + 1, value - 1, -value, value * 2]
        if self._ints:
            options.append(self._rng.choice(self._ints))
        return self._rng.choice(options)

    def _float(self, value: float) -> float:
        return self._rng.choice([value + 1.0, value - 1.0, -value, round(value / 2, 3), float(round(value))])

    def _str(self, value: str) -> str:
        if not value:
            return self._rng.choice(self._texts)
        at = self._rng.randrange(len(value))
        end = min(len(value), at + self._rng.randint(1, 3))
        kind = self._rng.randrange(5)
        if kind == 0:
            return value[:at] + value[end:]
        if kind == 1:
            return value[:at] + value[at:end] * 2 + value[end:]
        if kind == 2:
            return value[:at] + self._rng.choice(self._texts) + value[at:]
        if kind == 3:
            return value[:at] + value[at].swapcase() + value[at + 1 :]
        return value[:at] + self._rng.choice(value) + value[at + 1 :]

    def _list(self, value: list[Any]) -> list[Any]:
        if not value:
            return [self._leaf()]
        at = self._rng.randrange(len(value))
        kind = self._rng.randrange(5)
        if kind == 0:
            return value[:at] + value[at + 1 :]
        if kind == 1:
            return [*value[: at + 1], value[at], *value[at + 1 :]]
        if kind == 2:
            return [*value[:at], self(value[at]), *value[at:]]
        if kind == 3:
            return [*value[:at], *reversed(value[at:])]
        return [*value[:at], self(value[at]), *value[at + 1 :]]

    def _tuple(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        """Short tuples are records: their length is kept."""
        if not value or len(value) > 3:
            return tuple(self._list(list(value)))
        at = self._rng.randrange(len(value))
        return (*value[:at], self(value[at]), *value[at + 1 :])

    def _dict(self, value: dict[Any, Any]) -> dict[Any, Any]:
        if not value:
            return {self._rng.choice(self._texts): self._leaf()}
        key = self._rng.choice(list(value))
        kind = self._rng.randrange(3)
        if kind == 0:
            return {k: v for k, v in value.items() if k != key}
        if kind == 1:
            return {**value, key: self(value[key])}
        return {**value, self(key): value[key]}

    def _leaf(self) -> Any:
        return self._rng.choice([*self._ints[:8], 0, 1]) if self._ints else self._rng.choice(self._texts)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list | tuple | set):
        for item in sorted(value, key=repr) if isinstance(value, set) else value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(key)
            yield from _leaves(item)
    else:
        yield value
