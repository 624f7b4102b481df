"""Other inputs near a known one, and predicates over parameters evaluated on inputs, all in the sandbox.

A predicate is a Python expression over the entry function's parameters. It runs in the program's own namespace, bound
as the function would bind its arguments, so `len(text) == 3` is asked of exactly what the function would get.
"""

import ast
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ray_app.monologue.evaluate import Unknown, evaluate, parse_expression, same, show
from ray_app.monologue.source import read
from ray_app.records import Execution
from ray_app.sandbox.batch import DEFAULT_LIMITS
from ray_app.sandbox.limits import Limits

Run = Callable[..., list[Execution]]
"""`ray_app.sandbox.api.execute`, or what stands for it."""
_QUICK = Limits(cpu_s=0.03, wall_s=60.0)
"""Of many inputs, some of which never end: one that takes longer says nothing."""
_KEYS = 8
_MIXED: tuple[Any, ...] = (0, 1.5, "a", [0], (0,), {0: 0}, {0}, None, True)


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of an entry function: `header` is its parameter list as source, without annotations."""

    entry: str
    parameters: tuple[str, ...]
    header: str
    defaults: dict[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """An input and the output it gives (None where the call did not return)."""

    arguments: dict[str, str]
    output: str | None


def remembered(run: Run) -> Run:
    """`run` that runs no call twice whose trace is not wanted: narrator and verifier ask for the same neighbours."""
    known: dict[tuple[str, str, Limits], Execution] = {}

    def again(
        code: str, calls: Sequence[str], limits: Limits = DEFAULT_LIMITS, *, trace: bool = True
    ) -> list[Execution]:
        if trace:
            return run(code, calls, limits)
        new = [call for call in dict.fromkeys(calls) if (code, call, limits) not in known]
        if new:
            done = run(code, new, limits, trace=False)
            known.update({(code, call, limits): one for call, one in zip(new, done, strict=True)})
        return [known[code, call, limits] for call in calls]

    return again


def signature(code: str, entry: str) -> Signature | None:
    """The signature of a module-level function; None where there is none or it takes *args or **kwargs."""
    definition = read(code).function(entry)
    if definition is None or definition.args.vararg or definition.args.kwarg:
        return None
    arguments = definition.args
    plain = [*arguments.posonlyargs, *arguments.args]
    names = [argument.arg for argument in (*plain, *arguments.kwonlyargs)]
    defaults = {
        a.arg: ast.unparse(d)
        for a, d in zip(plain[len(plain) - len(arguments.defaults) :], arguments.defaults, strict=True)
    }
    defaults |= {
        a.arg: ast.unparse(d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None
    }
    header = ", ".join(names)
    return Signature(entry, tuple(names), header, defaults)


def bind(shape: Signature, call: str) -> dict[str, str] | None:
    """The source of each parameter's argument in a call of the entry; None where the call is of another form."""
    try:
        node = parse_expression(call)
    except Unknown:
        return None
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == shape.entry):
        return None
    if (
        any(isinstance(a, ast.Starred) for a in node.args)
        or any(k.arg is None for k in node.keywords)
        or len(node.args) > len(shape.parameters)
    ):
        return None
    given = {name: ast.unparse(argument) for name, argument in zip(shape.parameters, node.args, strict=False)}
    given |= {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg}
    bound = {name: given.get(name, shape.defaults.get(name, "")) for name in shape.parameters}
    return bound if all(bound.values()) and set(given) <= set(bound) else None


def spell(shape: Signature, arguments: dict[str, str], like: str) -> str:
    """A call with these arguments; positional as far as `like` is, defaults left out where `like` leaves them out."""
    node = parse_expression(like)
    assert isinstance(node, ast.Call)
    positional = shape.parameters[: len(node.args)]
    named = [keyword.arg for keyword in node.keywords if keyword.arg]
    further = [
        n for n in shape.parameters if n not in positional and n not in named and arguments[n] != shape.defaults.get(n)
    ]
    parts = [arguments[name] for name in positional] + [f"{name}={arguments[name]}" for name in (*named, *further)]
    return f"{shape.entry}({', '.join(parts)})"


def variants(value: Any) -> list[Any]:
    """Values of the same type near a value, simplest first, the value itself left out; none for unknown types."""
    found = list(_variants(value))
    unique: list[Any] = []
    for item in found:
        if not same(item, value) and not any(same(item, other) for other in unique):
            unique.append(item)
    return unique


def _variants(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, 0, 1, -value, -1, 2 * value + 3, value * 10 + 7)
    elif isinstance(value, float):
        yield from (value + 1.0, value - 0.5, 0.0, -value, value * 10)
    elif isinstance(value, str):
        yield from _strings(value)
    elif isinstance(value, (list, tuple)):
        make = type(value)
        yield from (make(item) for item in _sequences(list(value)))
    elif isinstance(value, dict):
        yield from _dictionaries(value)
    elif isinstance(value, (set, frozenset)):
        yield from (type(value)(item) for item in _sequences(sorted(value, key=show)))


def _strings(value: str) -> Iterator[str]:
    yield from (
        value + "z",
        value[:-1],
        value[1:],
        value[::-1],
        value + value[:1],
        value.swapcase(),
        "",
        "a",
        "0",
        "Q ",
    )
    middle = len(value) // 2
    for kind in ("x", "7", "Q", "-"):  # of every kind of character one, or the lack of it passes for a condition
        yield value[:middle] + kind + value[middle + 1 :]
    yield value[:middle] + " " + value[middle:]
    yield "".join(sorted(value))
    for position in range(1, min(len(value) - 1, 8)):
        yield value[:position] + value[position + 1 :]


def _sequences(items: list[Any]) -> Iterator[list[Any]]:
    if items:
        yield items[:-1]
        yield items[1:]
        yield [*items, items[0]]
        yield items[::-1]
        for position in sorted({0, len(items) // 2, len(items) - 1}):
            for other in variants(items[position])[:2]:
                yield [*items[:position], other, *items[position + 1 :]]
    for position in range(1, min(len(items) - 1, 10)):
        yield [*items[:position], *items[position + 1 :]]
        yield [*items[:position], items[position], *items[position:]]
    yield []
    yield [items[0]] if items else [0]
    yield items + items if items else ["a"]


def _dictionaries(value: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
    for key in list(value)[:2]:
        yield {k: v for k, v in value.items() if k != key}
    for key in list(value)[:2]:
        for other in variants(value[key])[:2]:
            yield {**value, key: other}
        for other in variants(key)[:1]:
            yield {(other if k == key else k): v for k, v in value.items()}
    turned = dict(reversed(value.items()))
    yield turned
    for key in list(value)[:3]:
        yield {k: v for k, v in turned.items() if k != key}
    yield {}
    yield {**value, "zz": 0}


def neighbours(code: str, shape: Signature, arguments: dict[str, str], limit: int = 64) -> list[dict[str, str]]:
    """Inputs that differ from a known one in one argument, of the same type; fairly from every parameter.

    A dictionary gets, and loses, the keys that the program may write: what the other arguments and its code hold. A
    key that is an argument, too, changes in both places at once.
    """
    values: dict[str, Any] = {}
    for name in shape.parameters:
        with contextlib.suppress(Unknown):
            values[name] = evaluate(arguments[name], {})
    rows: list[list[dict[str, str]]] = []
    for name, value in values.items():
        keys = [*_scalars([other for parameter, other in values.items() if parameter != name]), *_constants(code)]
        near = [*_keyed(value, keys), *variants(value)] if isinstance(value, dict) else variants(value)
        rows.append([{**arguments, name: show(other)} for other in near])
    rows.append([{**arguments, **changed} for changed in _renamed(values)])
    mixed = [row[depth] for depth in range(max(map(len, rows), default=0)) for row in rows if depth < len(row)]
    return mixed[:limit]


def _keyed(value: dict[Any, Any], keys: Sequence[Any]) -> Iterator[dict[Any, Any]]:
    """A dictionary with a key more, a key less, or another value for a key."""
    filling = next(iter(value.values()), 0)
    for key in dict.fromkeys(keys[:_KEYS]):
        if key in value:
            yield {k: v for k, v in value.items() if k != key}
            yield from ({**value, key: other} for other in variants(value[key])[:1])
        else:
            yield {**value, key: filling}


def _renamed(values: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The arguments that change where a dictionary has another key in place of one that is an argument by itself."""
    for name, value in values.items():
        for parameter, key in values.items():
            if isinstance(value, dict) and isinstance(key, (str, int)) and key in value:
                for other in variants(key)[:_KEYS]:
                    renamed = {(other if k == key else k): v for k, v in value.items()}
                    yield {name: show(renamed), parameter: show(other)}


def _scalars(values: Sequence[Any]) -> list[Any]:
    """Numbers and strings among values and their elements."""
    inner = [item for value in values if isinstance(value, (list, tuple, set, dict)) for item in value]
    return [value for value in (*values, *inner) if isinstance(value, (str, int, float))]


def _constants(code: str) -> list[Any]:
    held = [node.value for node in read(code).nodes if isinstance(node, ast.Constant)]
    return [value for value in held if isinstance(value, (str, int)) and not isinstance(value, bool)]


def strangers(shape: Signature, arguments: dict[str, str]) -> list[dict[str, str]]:
    """Inputs with one argument of another type: what a type constraint must exclude."""
    found: list[dict[str, str]] = []
    for name in shape.parameters:
        found += [
            {**arguments, name: show(other)} for other in _MIXED if type(other).__name__ != _type_name(arguments[name])
        ]
    return found


def _type_name(text: str) -> str:
    try:
        return type(evaluate(text, {})).__name__
    except Unknown:
        return ""


def judge(
    code: str, shape: Signature, predicates: Sequence[str], inputs: Sequence[dict[str, str]], run: Run
) -> list[list[bool | None]]:
    """For each input, the truth of each predicate; None where the predicate fails with an exception."""
    if not predicates or not inputs:
        return [[] for _ in inputs]
    calls = [
        f"bool((lambda {shape.header}: ({predicate}))({', '.join(arguments[name] for name in shape.parameters)}))"
        for arguments in inputs
        for predicate in predicates
    ]
    done = run(code, calls, trace=False)
    truths = [{"True": True, "False": False}.get(one.output or "") for one in done]
    width = len(predicates)
    return [truths[start : start + width] for start in range(0, len(truths), width)]


def outputs(code: str, shape: Signature, inputs: Sequence[dict[str, str]], like: str, run: Run) -> list[Known]:
    """The inputs with the outputs that the program gives for them, without those that take too long to say."""
    calls = [spell(shape, arguments, like) for arguments in inputs]
    done = run(code, calls, _QUICK, trace=False) if inputs else []
    return [
        Known(arguments, one.output if one.status == "ok" and not one.flags else None)
        for arguments, one in zip(inputs, done, strict=True)
        if not one.status.startswith("timeout")
    ]
