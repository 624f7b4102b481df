"""Other inputs of a program, tried: the calls, the outputs they give, and predicates evaluated on each of them.

Inputs vary one to all parameters at once, by type-aware mutation of the recorded call (`programs.inputs`), by values of
the generator's types (`programs.grammar`) and by values that a caller saw in a run. Later rounds start from inputs that
gave the wanted output, so that these are not rare. The same arguments give the same inputs.

Cost: some 10 ms of CPU for 200 short calls. A call that takes longer than `_LIMITS.cpu_s` says nothing; after
`_MAX_ENDLESS` such calls no further input is tried, so a program whose neighbours never end costs less than 0.1 s.
"""

import ast
import functools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ray_app.parsing import parse_expression
from ray_app.programs.grammar import value_text
from ray_app.programs.inputs import MAX_TEXT, Mutator, constants, corners, literal
from ray_app.programs.signature import Signature
from ray_app.records import Execution
from ray_app.sandbox.api import execute
from ray_app.sandbox.limits import Limits

Execute = Callable[..., list[Execution]]
"""`ray_app.sandbox.api.execute`, or what stands for it."""

COUNT = 208
"""Inputs tried of a program that is not slow."""
_FIRST = 16
_ROUNDS = 2
_LIMITS = Limits(cpu_s=0.01, wall_s=60.0)
_MAX_ENDLESS = 4
_JUDGING = Limits(cpu_s=1.0, wall_s=60.0, output_chars=200_000)
_ALONE = Limits(cpu_s=0.05, wall_s=60.0)
_MAX_ATTACKS = 60
_TYPICAL: dict[type, tuple[Any, ...]] = {
    str: ("12", "abc", "ABC", "a b", "a1", " ", "é"),
    int: (-1, 2, 10),
    list: ([1], ["a"], [2, 1]),
}
"""Values on which programs like to decide, and which mutation seldom meets."""
_GIVE_UP = 8
"""Draws in vain (inputs met before) per input wanted, after which a round is over."""


@dataclass(frozen=True, slots=True)
class Trial:
    """An input, and the output it gives, or the type of the exception that it raises."""

    arguments: tuple[str, ...]
    call: str
    output: str | None
    raises: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """All inputs tried, the recorded one first."""

    signature: Signature
    trials: tuple[Trial, ...]

    def giving(self, output: str) -> tuple[Trial, ...]:
        """The trials with this output."""
        return tuple(trial for trial in self.trials if trial.output == output)


def try_inputs(
    code: str,
    shape: Signature,
    call: str,
    output: str | None,
    *,
    values: Sequence[str] = (),
    salt: str = "",
    execute: Execute = execute,
) -> Tried | None:
    """The recorded call and some `COUNT` others; None where it does not bind the parameters.

    `values` are texts of further values that inputs may be built of; another `salt` gives other inputs.
    """
    return _remembered(code, shape, call, output, tuple(values), salt, execute)


@functools.lru_cache(maxsize=64)
def _remembered(
    code: str, shape: Signature, call: str, output: str | None, values: tuple[str, ...], salt: str, execute: Execute
) -> Tried | None:
    """A narrator and a verifier ask for the same tries of the same call, one after the other."""
    bound = shape.bind(call)
    if not bound:
        return None
    recorded = Trial(tuple(bound.values()), call, output)
    varied = _Varied(code, shape, recorded, values, salt)
    trials, endless = [recorded], 0
    for size in (_FIRST, *[(COUNT - _FIRST) // _ROUNDS] * _ROUNDS):
        calls = varied.draw(size, [trial.arguments for trial in trials if trial.output == output])
        done = execute(code, [call for _, call in calls], _LIMITS, trace=False) if calls else []
        ended = [one.status not in ("timeout-cpu", "timeout-wall", "memory") for one in done]
        trials += [
            _trial(arguments, call, one)
            for (arguments, call), one, in_time in zip(calls, done, ended, strict=True)
            if in_time
        ]
        endless += ended.count(False)
        if endless >= _MAX_ENDLESS:
            break
    return Tried(shape, tuple(trials))


def find_breaking(
    code: str, tried: Tried, output: str, predicates: Sequence[str], *, salt: str, execute: Execute = execute
) -> list[Trial | None]:
    """For each predicate an input that gives the output without meeting it, looked for among those that do not meet it.

    None where none of up to `_MAX_ATTACKS` such inputs gives the output.
    """
    right = [trial.arguments for trial in tried.giving(output)]
    inputs: list[Trial] = []
    for about in dict.fromkeys(_mentioned(predicate, tried.signature) for predicate in predicates):
        varied = _Varied(code, tried.signature, tried.trials[0], (), salt, about)
        inputs += [Trial(arguments, call, None) for arguments, call in varied.draw(COUNT, right)]
    rows = judge(code, tried.signature, predicates, inputs, execute=execute)
    attacks = [[one for one, truth in zip(inputs, row, strict=True) if truth is False][:_MAX_ATTACKS] for row in rows]
    calls = list(dict.fromkeys(one.call for row in attacks for one in row))
    done = execute(code, calls, _LIMITS, trace=False) if calls else []
    gives = {call for call, one in zip(calls, done, strict=True) if one.status == "ok" and one.output == output}
    return [next((one for one in row if one.call in gives), None) for row in attacks]


def _mentioned(predicate: str, shape: Signature) -> tuple[str, ...]:
    """The parameters that a predicate is about."""
    names = {node.id for node in ast.walk(parse_expression(predicate)) if isinstance(node, ast.Name)}
    return tuple(name for name in shape.parameters if name in names)


def with_value(
    code: str, tried: Tried, name: str, value: str, *, count: int = 24, execute: Execute = execute
) -> tuple[Trial, ...]:
    """Inputs that were tried, with another value of one parameter, tried again."""
    place = tried.signature.parameters.index(name)
    changed = {(*one.arguments[:place], value, *one.arguments[place + 1 :]) for one in tried.trials[: 4 * count]}
    inputs = sorted(changed)[:count]
    names, like = tried.signature.parameters, tried.trials[0].call
    calls = [tried.signature.spell(dict(zip(names, arguments, strict=True)), like) for arguments in inputs]
    done = execute(code, calls, _LIMITS, trace=False)
    return tuple(_trial(arguments, call, one) for arguments, call, one in zip(inputs, calls, done, strict=True))


def _trial(arguments: tuple[str, ...], call: str, done: Execution) -> Trial:
    if done.status == "ok" and not done.flags:
        return Trial(arguments, call, done.output)
    raised = (done.exception or "").partition(":")[0] if done.status == "exception" else ""
    return Trial(arguments, call, None, raised)


class _Varied:
    """A stream of different inputs near the recorded one; `about`: the parameters that vary (none named: all)."""

    def __init__(
        self,
        code: str,
        shape: Signature,
        recorded: Trial,
        values: tuple[str, ...],
        salt: str,
        about: tuple[str, ...] = (),
    ) -> None:
        self._rng = random.Random(f"{recorded.call}:tries{salt}")
        self._shape = shape
        self._like = recorded.call
        self._seen = {recorded.arguments}
        self._literals = {place: value for place, text in enumerate(recorded.arguments) for value in _literal(text)}
        self._places = [at for at in self._literals if not about or shape.parameters[at] in about]
        seen = [value for text in values for value in _literal(text)]
        self._pool = [*constants(code), *seen, *(part for value in self._literals.values() for part in _parts(value))]
        self._mutate = Mutator(self._rng, self._pool)
        self._corners = self._corner_cases(recorded.arguments)

    def draw(self, count: int, right: Sequence[tuple[str, ...]]) -> list[tuple[tuple[str, ...], str]]:
        """New inputs with their calls, `count` or fewer; `right` are inputs that gave the wanted output."""
        drawn: list[tuple[tuple[str, ...], str]] = []
        for _ in range(_GIVE_UP * count if self._places else 0):
            arguments = next(self._corners, None) or self._changed(self._rng.choice(right))
            call = self._shape.spell(dict(zip(self._shape.parameters, arguments, strict=True)), self._like)
            if arguments not in self._seen and len(call) <= MAX_TEXT:
                self._seen.add(arguments)
                drawn.append((arguments, call))
            if len(drawn) == count:
                break
        return drawn

    def _corner_cases(self, recorded: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for place, value in self._literals.items():
            for corner in (*corners(value), *_TYPICAL.get(type(value), ())):
                yield (*recorded[:place], literal(corner), *recorded[place + 1 :])

    def _changed(self, start: tuple[str, ...]) -> tuple[str, ...]:
        """One parameter changed as often as several at once."""
        places = self._places
        count = self._rng.choice((1, 1, 2, len(places)))
        chosen = self._rng.sample(places, min(count, len(places)))
        return tuple(self._other(text) if place in chosen else text for place, text in enumerate(start))

    def _other(self, text: str) -> str:
        """Another value of the same type: mostly near, sometimes far, sometimes one that was seen elsewhere."""
        value = _literal(text)[0]
        how = self._rng.random()
        if how < 0.12 and (kind := kind_of(value)):
            return value_text(kind, 6, self._rng)
        same = [other for other in self._pool if type(other) is type(value)] if how < 0.2 else []
        if same:
            return literal(self._rng.choice(same))
        for _ in range(self._rng.choice((1, 1, 2, 3))):
            value = self._renamed(value) if isinstance(value, dict) and how < 0.5 else self._mutate(value)
        return literal(value)

    def _renamed(self, value: dict[Any, Any]) -> dict[Any, Any]:
        """The dictionary with another key in the place of one."""
        if not value:
            return value
        old = self._rng.choice(list(value))
        new = self._mutate(old)
        return {(new if key == old else key): item for key, item in value.items()}


@functools.lru_cache(maxsize=4_096)
def _literal(text: str) -> tuple[Any, ...]:
    """The value where the text is a literal, else nothing. Whoever gets it must not change it."""
    try:
        return (ast.literal_eval(text),)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return ()


def _parts(value: Any) -> list[Any]:
    """A value's elements and theirs, itself left out."""
    if isinstance(value, dict):
        inner = [*value, *value.values()]
    else:
        inner = list(value) if isinstance(value, list | tuple) else []
        inner = sorted(value, key=repr) if isinstance(value, set | frozenset) else inner
    return [*inner, *(deeper for one in inner for deeper in _parts(one))][:40]


def kind_of(value: Any) -> str:
    """The generator's type of a value, as `grammar` writes it; "" where it has none that fits."""
    if type(value) in (str, int, float, bool):
        return type(value).__name__
    elements = {kind_of(one) for one in (value.values() if isinstance(value, dict) else value or ())}
    element = elements.pop() if len(elements) == 1 else ""
    if isinstance(value, dict):
        keyed = all(isinstance(key, str) for key in value)
        return f"dict[str, {element}]" if keyed and element in ("int", "list[int]") else ""
    known = {list: ("int", "str", "list[int]"), set: ("int", "str"), tuple: ()}
    return f"{type(value).__name__}[{element}]" if element in known.get(type(value), ()) else ""


def judge(
    code: str,
    shape: Signature,
    predicates: Sequence[str],
    trials: Sequence[Trial],
    *,
    result: str = "result",
    execute: Execute = execute,
) -> list[list[bool | None]]:
    """For each predicate its truth on each trial, in the program's own namespace.

    None where it raises, or gives another value than True and False. A predicate is an expression over the parameters
    and, under the name `result`, the trial's output. All are evaluated in one run of the program; where that does not
    end, each predicate by itself.
    """
    if not predicates or not trials:
        return [[] for _ in predicates]
    rows = _judged(code, shape, predicates, trials, result, _JUDGING, execute)
    if rows is None and len(predicates) > 1:
        alone = [_judged(code, shape, [one], trials, result, _ALONE, execute) for one in predicates]
        return [_truths(found[0]) if found else [None] * len(trials) for found in alone]
    return [_truths(row) for row in rows] if rows else [[None] * len(trials) for _ in predicates]


def _truths(row: str) -> list[bool | None]:
    return [{"1": True, "0": False}.get(mark) for mark in row]


def _judged(
    code: str,
    shape: Signature,
    predicates: Sequence[str],
    trials: Sequence[Trial],
    result: str,
    limits: Limits,
    execute: Execute,
) -> list[str] | None:
    header = ", ".join((*shape.parameters, result))
    name = next(name for name in ("judge_trials", "judge_all_trials", "judge_these_trials") if name not in code)
    judges = "".join(f"        lambda {header}: ({predicate}),\n" for predicate in predicates)
    # Inputs are written out again for each predicate: one that changes its argument must not disturb the next.
    inputs = "".join(f"        ({', '.join((*t.arguments, _known(t.output)))},),\n" for t in trials)
    program = _PROGRAM.format(name=name, judges=judges, inputs=inputs)
    done = execute(f"{code}\n{program}", [f"{name}()"], limits, trace=False)[0]
    return done.output.strip("'").split(",") if done.status == "ok" and done.output else None


def _known(output: str | None) -> str:
    """An output as source: `...` for one that cannot be written as a literal."""
    return output if output is not None and _literal(output) else "..."


_PROGRAM = """

def {name}():
    judges = [
{judges}    ]
    rows = []
    for judge in judges:
        inputs = [
{inputs}        ]
        row = ''
        for given in inputs:
            try:
                truth = judge(*given)
                row += '1' if truth is True else '0' if truth is False else 'x'
            except Exception:
                row += 'x'
        rows.append(row)
    return ','.join(rows)
"""
