"""Benchmark problems as decontamination sees them: their words, their code, and their tests as (arguments, result).

Any JSON or JSON Lines file (also gzipped) with the usual field names is read; the field names of HumanEval(+),
HumanEvalPack, MBPP(+), CRUXEval, LiveCodeBench and QuixBugs are known.
"""

import ast
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ray_app.errors import InputError
from ray_app.programs.inputs import literal, literal_arguments

_TEXT_FIELDS = ("prompt", "text", "question", "description", "instruction", "problem")
_CODE_FIELDS = ("canonical_solution", "code", "correct_code", "oracle_code", "solution", "buggy_code", "buggy_solution")
_ENTRY_FIELDS = ("entry_point", "function_name", "name")
_ID_FIELDS = ("task_id", "id", "question_id", "name", "slug")


@dataclass(frozen=True, slots=True)
class Test:
    """One literal call and its result: `arguments` and `expected` are Python text, `kinds` the argument types.

    `within` names the built-in that both sides go through before they are compared ("set"), "" where there is none.
    """

    arguments: str
    expected: str
    kinds: tuple[str, ...]
    within: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One benchmark item: everything a contaminated program might share with it."""

    benchmark: str
    id: str
    text: str
    codes: tuple[str, ...]
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The problems of one file, with the hash of its bytes."""

    name: str
    sha256: str
    problems: tuple[Problem, ...]


def load_benchmark(path: str | Path) -> Benchmark:
    """The problems in a file. InputError where it is no JSON, or no record has a known text or code field."""
    path = Path(path)
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
        records = _records(text)
    except (OSError, EOFError, gzip.BadGzipFile, ValueError) as error:
        raise InputError(
            f"benchmark file {str(path)!r} cannot be read: {error}; give a .json or .jsonl(.gz) file"
        ) from error
    name = path.name.partition(".json")[0]
    problems = tuple(_problem(name, index, record) for index, record in enumerate(records))
    if not any(problem.text or problem.codes for problem in problems):
        known = ", ".join(_TEXT_FIELDS + _CODE_FIELDS)
        raise InputError(f"benchmark file {str(path)!r} has no record with one of the fields {known}")
    return Benchmark(name, hashlib.sha256(raw).hexdigest(), problems)


def _records(text: str) -> list[dict[str, Any]]:
    if text.lstrip().startswith("["):
        found = json.loads(text)
    else:
        found = [json.loads(line) for line in text.splitlines() if line.strip()]
    return [cast("dict[str, Any]", record) for record in found if isinstance(record, dict)]


def _problem(benchmark: str, index: int, record: dict[str, Any]) -> Problem:
    entry = _first(record, _ENTRY_FIELDS)
    prompt = _first(record, _TEXT_FIELDS)
    codes = [_complete(record.get(field), prompt) for field in _CODE_FIELDS]
    entry = entry or _entry_of([code for code in codes if code], record)
    item = next((str(record[field]) for field in _ID_FIELDS if field in record), str(index))
    return Problem(
        benchmark=benchmark,
        id=item,
        text=prompt,
        codes=tuple(dict.fromkeys(code for code in codes if code)),
        tests=tuple(dict.fromkeys(_tests(record, entry))),
    )


def _first(record: dict[str, Any], fields: Sequence[str]) -> str:
    return next((record[field] for field in fields if isinstance(record.get(field), str)), "")


def _complete(code: object, prompt: str) -> str:
    """A solution that parses: on its own, or as the continuation of its prompt."""
    if not isinstance(code, str) or not code.strip():
        return ""
    for text in (code, prompt + code):
        try:
            if any(isinstance(node, ast.FunctionDef) for node in ast.walk(ast.parse(text))):
                return text
        except (SyntaxError, ValueError):
            continue
    return ""


def _entry_of(codes: list[str], record: dict[str, Any]) -> str:
    """The function that the tests call, else the last one defined."""
    names = [node.name for code in codes for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    tests = " ".join(map(str, record.get("test_list") or []))
    return next((name for name in reversed(names) if f"{name}(" in tests), names[-1] if names else "")


def _tests(record: dict[str, Any], entry: str) -> Iterator[Test]:
    written = [str(record.get(field) or "") for field in ("test", "assertion")]
    source = "\n".join([*written, *(str(test) for test in record.get("test_list") or [])])
    yield from _asserted(source, {entry, "candidate"})
    for case in record.get("json_testcases") or []:
        if isinstance(case, list) and len(case) == 2 and isinstance(case[0], list):
            yield _test(case[0], case[1])
    if isinstance(record.get("input"), str) and isinstance(record.get("output"), str):
        given = str(record["input"])
        call = given if entry and given.startswith(f"{entry}(") else f"{entry or 'f'}({given})"
        yield from _asserted(f"assert {call} == {record['output']}", {entry or "f"})


def _asserted(source: str, names: set[str]) -> Iterator[Test]:
    """The (arguments, result) of each `assert f(...) == value` and `assert f(...)` with literal arguments; also of
    `set(f(...)) == set(value)` and `math.isclose(f(...), value)`."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assert):
            continue
        claim, expected, within = _claimed(node.test)
        if isinstance(claim, ast.Call) and isinstance(claim.func, ast.Name) and claim.func.id in names:
            values = literal_arguments(claim)
            try:
                wanted = ast.literal_eval(expected)
            except (ValueError, TypeError, SyntaxError):
                continue
            if values is not None:
                yield _test([*values[0], *(value for _, value in values[1])], wanted, within)


def _claimed(test: ast.expr) -> tuple[ast.expr, ast.expr, str]:
    """(call, expected value, what both are put through) of an assertion."""
    match test:
        case ast.Compare(left=claim, ops=[ast.Eq() | ast.Is()], comparators=[expected]):
            pass
        case ast.UnaryOp(op=ast.Not(), operand=claim):
            expected = ast.Constant(False)
        case ast.Call(func=ast.Attribute(attr="isclose"), args=[claim, expected, *_]):
            pass
        case claim:
            expected = ast.Constant(True)
    match claim, expected:
        case ast.Call(func=ast.Name(id=name), args=[inner]), ast.Call(func=ast.Name(id=other), args=[value]) if (
            name == other and name in WITHIN
        ):
            return inner, value, name
        case _:
            return claim, expected, ""


WITHIN: dict[str, Callable[[Any], object]] = {"set": set, "sorted": sorted, "list": list, "tuple": tuple, "str": str}
"""What a test may put both sides through."""


def _test(arguments: list[Any], expected: Any, within: str = "") -> Test:
    return Test(", ".join(map(literal, arguments)), literal(expected), tuple(map(kind, arguments)), within)


def kind(value: object) -> str:
    """A coarse type: number, text, sequence, mapping or other; what a program for one accepts, it may for another."""
    if isinstance(value, bool | int | float):
        return "number"
    if isinstance(value, str | bytes):
        return "text"
    if isinstance(value, list | tuple | set):
        return "sequence"
    return "mapping" if isinstance(value, dict) else "other"
