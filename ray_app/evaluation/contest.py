"""Grading of contest programs (LiveCodeBench generation, APPS) by their tests: a method, or input and output.

official  every test passes within 6 s of CPU. A method's value equals the expected one (a tuple counts as a list); of
          what a program prints, lines are compared without the blanks around them, as numbers where they are numbers
strict    a method's value is of the same types at every depth; printed lines are the same texts, and the program does
          not end with an error after it has printed them

Values and texts are compared here, not beside the solution. A test whose input is longer than the sandbox takes makes
the answer ungraded rather than wrong.
"""

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from ray_app.evaluation import values
from ray_app.evaluation.items import Item
from ray_app.evaluation.verdicts import UNGRADED, Executor, Verdict, failed
from ray_app.parsing import parse
from ray_app.records import Execution
from ray_app.sandbox.api import Job
from ray_app.sandbox.limits import Limits
from ray_app.sandbox.scripts import Script

LIMITS = Limits(6.0, 60.0, 4 << 30, stdout_chars=4_000_000, output_chars=values.MAX_CHARS)
_AT_ONCE = 8
"""Tests in one job: a wrong answer mostly fails early, and the rest is not run."""
_PRELUDE = """\
from string import *
from re import *
from datetime import *
from collections import *
from heapq import *
from bisect import *
from copy import *
from math import *
from random import *
from statistics import *
from itertools import *
from functools import *
from operator import *
from io import *
from sys import *
from json import *
from builtins import *
from typing import *
import string, re, datetime, collections, heapq, bisect, copy, math, random, statistics, itertools, functools
import operator, io, sys, json
sys.setrecursionlimit(50000)
"""
"""The names that solutions may use without importing them, as the official grader gives them."""
_CALL = """
def _semray_contest(name, text):
    import json
    target = globals()["Solution"]() if "Solution" in globals() else None
    method = getattr(target, name) if target is not None else globals()[name]
    value = method(*[json.loads(line) for line in text.split("\\n")])
    return list(value) if type(value) is tuple else value
"""


def grade(item: Item, solutions: Sequence[str], executor: Executor) -> list[Verdict]:
    """One verdict per solution, in order; equal ones are graded once."""
    decided = {solution: _graded(item, solution, executor) for solution in dict.fromkeys(solutions)}
    return [decided[solution] for solution in solutions]


def _graded(item: Item, solution: str, executor: Executor) -> Verdict:
    if not solution.strip():
        return Verdict(False, False, "empty")
    if not _is_python(solution):
        return Verdict(False, False, "syntax")
    strict = True
    tests = json.loads(item.tests)
    for start in range(0, len(tests["inputs"]), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        done = executor.run(_job(item, solution, tests["inputs"][part]))
        if done is None:
            return UNGRADED
        for one, expected in zip(done, tests["outputs"][part], strict=True):
            verdict = _tested(item, one, expected)
            if not verdict.official:
                return verdict
            strict = strict and verdict.strict is True
    return Verdict(True, strict, "pass")


def _is_python(solution: str) -> bool:
    try:
        parse(solution)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _job(item: Item, solution: str, inputs: Sequence[str]) -> Job:
    """The tests' runs: of the method that the item names, or of the whole program."""
    if item.entry:
        calls = tuple(f"_semray_contest({item.entry!r}, {text!r})" for text in inputs)
        return Job(f"{_PRELUDE}\n{solution}\n{_CALL}", calls, LIMITS, trace=False)
    calls = tuple(Script(text, seconds=LIMITS.cpu_s).call for text in inputs)
    return Job(f"{_PRELUDE}\n{solution}", calls, LIMITS, trace=False)


def _tested(item: Item, one: Execution, expected: str) -> Verdict:
    if not item.entry and one.status in ("ok", "system-exit"):
        official, strict = _same_lines(one.stdout, expected)
        return Verdict(official, strict and one.status == "ok", "pass" if official else "wrong")
    if one.status != "ok" or one.output is None:
        return failed(one)
    try:
        value = values.read(one.output)
    except values.OpaqueError:
        return Verdict(False, False, "wrong")
    official, strict = _same_value(value, expected)
    return Verdict(official, strict, "pass" if official else "wrong")


def _same_value(value: Any, expected: str) -> tuple[bool, bool]:
    right = json.loads(expected)
    return bool(value == right), values.same(value, right)


def _same_lines(text: str, expected: str) -> tuple[bool, bool]:
    given, wanted = (list(_lines(one)) for one in (text, expected))
    if len(given) != len(wanted):
        return False, False
    same = all(left == right for left, right in zip(given, wanted, strict=True))
    official = same or all(map(_same_line, given, wanted))
    return official, same


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.strip().split("\n"))


def _same_line(given: str, wanted: str) -> bool:
    if given == wanted:
        return True
    try:
        return [Decimal(word) for word in given.split()] == [Decimal(word) for word in wanted.split()]
    except InvalidOperation:
        return False
