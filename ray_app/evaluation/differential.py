"""Grading by agreement with the reference on many inputs (HumanEval+, MBPP+; EvalPlus, arXiv 2305.01210).

The solution runs in the sandbox and only says what it returned; the comparison happens here. Only objects that no
literal writes (an OrderedDict, say) are compared by running the official assertion beside the solution.

official  EvalPlus' rule: a solution passes if it agrees on the base inputs and on the extra ones. EvalPlus gives each
          input max(1 s, 4 x reference) of wall time; we give it 1 s + 4 x reference of CPU time. Inputs run many in
          one process, which looks at the clock after each and hands over to the next process when it has run long.
          Solutions that differ in layout and names only are run once, and not at all if the reference is one of them.
strict    the same tests by `oracles.strict`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from ray_app.errors import SandboxError
from ray_app.evaluation import oracles, values
from ray_app.evaluation.arguments import REVIVE, decode
from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.same_code import normal_form
from ray_app.evaluation.sources import cache_folder
from ray_app.evaluation.verdicts import UNGRADED, Executor, Verdict
from ray_app.parsing import literal
from ray_app.records import content_id
from ray_app.sandbox.api import Job
from ray_app.sandbox.limits import Limits

Outcome = Literal["pass", "fail", "timeout"]
_BASE_CPU_S = 1.0
_SLICE_CPU_S = 0.1
_SLICE_SHARE = 0.125
"""A process hands over after 0.1 s, or an eighth of what the solution has used: the time that a hang can waste."""
_START_CPU_S = 0.1
"""What a process may need to load the solution and the inputs, and to tell."""
_HEAVY_CPU_S = 0.25
_PIECES = 8
_REFERENCE_FACTOR = 4.0
_WALL_S, _WALL_FACTOR = 60.0, 6.0
_LIMITS = Limits(memory_bytes=4 << 30, stdout_chars=0, output_chars=12_000_000)
_REFERENCE_CPU_S = 120.0
_RAISED = None
_LONGEST_TEXT = 20_000
"""A longer text is told as its hash, and asked for in full only if the hash is not the expected one.

A list of more parts than that is hashed part by part, as some are longer than memory as one text: plain values in
the form of `marshal`'s version 0, which tells apart what repr tells apart, in less time.
"""
_WHOLE = 1 << 40
_MAX_DIGITS = 50_000
_LONG_BITS = 4_096
"""An int of more bits is told in hexadecimal, which takes a time in proportion to its length."""
_UNPRINTABLE = "?"
"""What is told of a value whose repr fails; it is equal to nothing."""

_DRIVER = """
_semray_target = {entry}
{revive}
def _semray_run(first, last, longest, slice_s):
    from builtins import BaseException, hex, int, len, list, map, range, repr, type
    from hashlib import sha256
    from json import dumps, loads
    from marshal import dumps as packed
    from sys import get_int_max_str_digits, set_int_max_str_digits
    from time import process_time
    told = []
    start = process_time()
    for arguments in loads({inputs!r}, object_hook=_semray_revive)[first:last]:
        begun = process_time()
        try:
            value = _semray_target(*arguments)
        except BaseException:
            told.append((None, 0))
            break
        digits = get_int_max_str_digits()
        set_int_max_str_digits({digits})
        try:
            if type(value) is list and len(value) > longest:
                digest = sha256(b"[]")
                for at in range(0, len(value), 1000):
                    part = value[at:at + 1000]
                    try:
                        digest.update(packed(part, 0))
                    except ValueError:
                        text = ",".join(map(repr, part))
                        digest.update(text.encode("utf-8", "surrogatepass") + b",")
                text = "#" + digest.hexdigest()
            else:
                text = hex(value) if type(value) is int and value.bit_length() > {long_bits} else repr(value)
        except BaseException:
            text = "?"
        set_int_max_str_digits(digits)
        if len(text) > longest:
            text = "#" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        told.append((text, process_time() - begun))
        if process_time() - start > slice_s:
            break
    return dumps(told)
"""
_COMPARISON = """
_semray_target = {entry}
{revive}
def _semray_agrees(index, expected, tolerance):
    from builtins import abs, isinstance, len, list, set, tuple, type
    from json import loads
    value = _semray_target(*loads({inputs!r}, object_hook=_semray_revive)[index])
    assert {assertion}
"""


@dataclass(frozen=True, slots=True)
class Reference:
    """What the reference returned for each input (`texts` by repr), and the CPU seconds it took to make and tell it."""

    texts: tuple[str, ...]
    cpu_s: tuple[float, ...]


@dataclass(frozen=True)
class _Suite:
    """One list of inputs of an item, with what is needed to compare, which is read when it is."""

    item: Item
    inputs: str
    reference: Reference

    @cached_property
    def arguments(self) -> list[Any]:
        return decode(self.inputs)

    @cached_property
    def tolerances(self) -> list[float]:
        return oracles.tolerances(self.item, [_expected(self.item, text) for text in self.reference.texts])


class _MachineError(Exception):
    """The sandbox failed, so nothing is known about the solution."""


def grade(benchmark: Benchmark, item: Item, solutions: Sequence[str], executor: Executor) -> list[Verdict]:
    """One verdict per solution (a whole program), in order; equal ones are graded once.

    The status is "pass", or "base=B plus=P" with B and P one of pass, fail, timeout.
    """
    suites = (_suite(benchmark, item, item.base_inputs, executor), _suite(benchmark, item, item.plus_inputs, executor))
    decided: dict[str, Verdict] = {}
    if all(map(_agrees_with_itself, suites)):
        decided[normal_form(item.gold, (item.entry,))] = Verdict(True, True, "pass")
    forms = [normal_form(solution, (item.entry,)) for solution in solutions]
    for form, solution in zip(forms, solutions, strict=True):
        if form not in decided:
            decided[form] = _grade_one(suites, solution, executor)
    return [decided[form] for form in forms]


def expected_texts(benchmark: Benchmark, item: Item, inputs: str, executor: Executor) -> tuple[str, ...]:
    """What the reference returns for each argument list, by repr (a very long one as its hash)."""
    return _reference(benchmark, item, inputs, executor).texts


def statuses(verdict: Verdict) -> tuple[str, str]:
    """The base and plus status of a verdict, as EvalPlus writes them."""
    if not verdict.status.startswith("base="):
        word = "pass" if verdict.official else "fail"
        return word, word
    base, plus = (part.split("=")[1] for part in verdict.status.split())
    return base, plus


def _grade_one(suites: tuple[_Suite, _Suite], solution: str, executor: Executor) -> Verdict:
    if not solution.strip():
        return Verdict(False, False, "empty")
    try:
        (base, base_strict), (plus, plus_strict) = (_run_suite(suite, solution, executor) for suite in suites)
    except _MachineError:
        return UNGRADED
    if base == plus == "pass":
        return Verdict(True, base_strict and plus_strict, "pass")
    return Verdict(False, False, f"base={base} plus={plus}")


def _agrees_with_itself(suite: _Suite) -> bool:
    """Whether the reference passes by its texts alone; those of some objects hold an address."""
    texts = suite.reference.texts
    return not any(oracles.needs_reading(suite.item, text) or " at 0x" in text for text in texts)


def _run_suite(suite: _Suite, solution: str, executor: Executor) -> tuple[Outcome, bool]:
    """The outcome, and whether every test also passed strictly. Stops at the first test that fails."""
    waiting, strict, spent_s = _chunks(suite), True, 0.0
    while waiting:
        first, last = waiting.pop()
        slice_s = max(_SLICE_CPU_S, _SLICE_SHARE * spent_s)
        told = _run_chunk(suite, solution, first, last, executor, slice_s)
        if told is None:
            step = -(-(last - first) // _PIECES)
            waiting += [(at, min(at + step, last)) for at in reversed(range(first, last, step))]
            continue
        if isinstance(told, str):
            return told, False
        if first + len(told) < last:
            waiting.append((first + len(told), last))
        for index, (text, cpu_s) in enumerate(told, first):
            spent_s += cpu_s
            if cpu_s > _allowed_s(suite, index):
                return "timeout", False
            passed, passed_strictly = _judge(suite, solution, index, text, executor)
            if not passed:
                return "fail", False
            strict = strict and passed_strictly
    return "pass", strict


def _chunks(suite: _Suite) -> list[tuple[int, int]]:
    """All inputs, the last ones first: those that are heavy for the reference alone, so that they end nobody else."""
    found: list[tuple[int, int]] = []
    for index, cpu_s in enumerate(suite.reference.cpu_s):
        if not found or cpu_s > _HEAVY_CPU_S or suite.reference.cpu_s[index - 1] > _HEAVY_CPU_S:
            found.append((index, index))
        found[-1] = (found[-1][0], index + 1)
    return found[::-1]


def _allowed_s(suite: _Suite, index: int) -> float:
    return _BASE_CPU_S + _REFERENCE_FACTOR * suite.reference.cpu_s[index]


def _run_chunk(
    suite: _Suite,
    solution: str,
    first: int,
    last: int,
    executor: Executor,
    slice_s: float = _SLICE_CPU_S,
    longest: int = _LONGEST_TEXT,
) -> list[Any] | Outcome | None:
    """What the solution returned for inputs first..last-1, with CPU seconds: up to the one where it raised, or where
    its slice of time ended. Or how it failed; or None if these are too many inputs for the memory of one process."""
    limits = _limits(_START_CPU_S + slice_s + max(_allowed_s(suite, index) for index in range(first, last)))
    call = f"_semray_run({first}, {last}, {longest}, {slice_s})"
    done = executor.run(Job(_program(suite, solution), (call,), limits, trace=False))
    if done is None or done[0].status == "timeout-wall":
        raise _MachineError
    if done[0].status == "timeout-cpu":
        return "timeout"
    if done[0].status in ("truncated", "memory") and last - first > 1:
        return None
    told = _read_told(done[0].output) if done[0].status == "ok" and done[0].output is not None else []
    return told if 0 < len(told) <= last - first else "fail"


def _limits(cpu_s: float) -> Limits:
    """CPU time decides; wall time only ends what hangs, also where the machine is shared."""
    return replace(_LIMITS, cpu_s=cpu_s, wall_s=_WALL_S + _WALL_FACTOR * cpu_s)


def _read_told(output: str) -> list[Any]:
    """The driver's report; a solution that interfered with it reports nothing, which fails."""
    try:
        told = json.loads(literal(output))
    except (SyntaxError, ValueError, TypeError, RecursionError):
        return [(_RAISED, 0.0)]
    return told if _is_report(told) else [(_RAISED, 0.0)]


def _is_report(told: Any) -> bool:
    return isinstance(told, list) and all(
        isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], int | float) for pair in told
    )


def _judge(suite: _Suite, solution: str, index: int, text: Any, executor: Executor) -> tuple[bool, bool]:
    """Whether one test passes officially, and strictly."""
    if text == suite.reference.texts[index] != _UNPRINTABLE and not oracles.needs_reading(suite.item, text):
        return True, True
    if text is _RAISED:
        return False, False
    wanted = suite.reference.texts[index]
    if _is_hash(text) or _is_hash(wanted):
        text, wanted = _whole(suite, solution, index, executor), _whole(suite, suite.item.gold, index, executor)
        if len(text) + len(wanted) > values.MAX_CHARS:
            return text == wanted, text == wanted
    arguments, tolerance = suite.arguments[index], suite.tolerances[index]
    value, expected = _value(text), _expected(suite.item, wanted)
    try:
        passed = oracles.official(suite.item, arguments, value, expected, tolerance)
    except values.OpaqueError:
        return _agrees(suite, solution, index, executor), False
    return passed, passed and oracles.strict(suite.item, arguments, value, expected, tolerance)


def _whole(suite: _Suite, solution: str, index: int, executor: Executor) -> str:
    """The text of one returned value however long; `_UNPRINTABLE` if it cannot be had."""
    told = _run_chunk(suite, solution, index, index + 1, executor, longest=_WHOLE)
    return str(told[0][0]) if isinstance(told, list) and told else _UNPRINTABLE


def _is_hash(text: Any) -> bool:
    return isinstance(text, str) and text.startswith("#")


def _value(text: Any) -> Any:
    try:
        return values.read(text) if isinstance(text, str) else oracles.OPAQUE
    except values.OpaqueError:
        return oracles.OPAQUE


def _agrees(suite: _Suite, solution: str, index: int, executor: Executor) -> bool:
    """The official comparison, run beside the solution, for an object that cannot be read here."""
    call = f"_semray_agrees({index}, {suite.reference.texts[index]}, {suite.tolerances[index]})"
    limits = _limits(_BASE_CPU_S + _REFERENCE_FACTOR * suite.reference.cpu_s[index])
    assertion = "set(value) == set(expected)" if oracles.ignores_order(suite.item) else "value == expected"
    compare = _COMPARISON.format(revive=REVIVE, inputs=suite.inputs, entry=suite.item.entry, assertion=assertion)
    done = executor.run(Job(f"{solution}\n{compare}", (call,), limits, trace=False))
    if done is None or done[0].status == "timeout-wall":
        raise _MachineError
    return done[0].status == "ok"


def _program(suite: _Suite, solution: str) -> str:
    driver = _DRIVER.format(
        revive=REVIVE, digits=_MAX_DIGITS, long_bits=_LONG_BITS, inputs=suite.inputs, entry=suite.item.entry
    )
    return f"{solution}\n{driver}"


def _suite(benchmark: Benchmark, item: Item, inputs: str, executor: Executor) -> _Suite:
    return _Suite(item, inputs, _reference(benchmark, item, inputs, executor))


def _expected(item: Item, text: str) -> Any:
    value = _value(text)
    return value is not None if oracles.only_found_or_not(item) else value


def _reference(benchmark: Benchmark, item: Item, inputs: str, executor: Executor) -> Reference:
    """Runs the reference on the inputs, once per machine (kept in the cache folder).

    SandboxError if it does not return a value for every input: then nothing can be graded against it.
    """
    path = cache_folder() / "expected" / f"{content_id(benchmark.sha256, item.id, item.gold, inputs, _DRIVER)}.json"
    if path.is_file():
        told = json.loads(path.read_text())
    else:
        suite = _Suite(item, inputs, Reference((), ()))
        count = len(decode(inputs))
        job = Job(
            _program(suite, item.gold),
            (f"_semray_run(0, {count}, {_LONGEST_TEXT}, {_REFERENCE_CPU_S})",),
            _limits(_REFERENCE_CPU_S),
            trace=False,
        )
        done = executor.run(job)
        told = _read_told(done[0].output or "") if done else []
        if len(told) != count or any(not isinstance(text, str) or text == _UNPRINTABLE for text, _ in told):
            status = done[0].status if done else "infrastructure"
            raise SandboxError(f"the reference solution of {item.id} did not run on its own inputs ({status})")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{id(told)}.partial")
        partial.write_text(json.dumps(told))
        partial.replace(path)
    return Reference(tuple(text for text, _ in told), tuple(taken for _, taken in told))
