"""Grading of functions by a test function written with the benchmark (HumanEval, MBPP).

official  the test function returns, given the solution, within 3 s. The assertions run beside the solution, so a
          returned object that says it equals everything passes.
strict    as official, and every value that the solution returned is of a type that the solution cannot have defined.
"""

import re
from collections.abc import Sequence

from ray_app.evaluation.items import CHECK, Item
from ray_app.evaluation.same_code import normal_form
from ray_app.evaluation.verdicts import UNGRADED, Executor, Verdict, failed
from ray_app.sandbox.api import Job
from ray_app.sandbox.limits import Limits

LIMITS = Limits(cpu_s=3.0, wall_s=60.0, memory_bytes=1 << 30)
_GUARD = """
def _semray_guard(function):
    from builtins import BaseException, dict, frozenset, isinstance, list, set, tuple, type
    from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
    from fractions import Fraction
    trusted = frozenset({Counter, OrderedDict, defaultdict, deque, ChainMap, Fraction})

    class NotPlainValue(BaseException):
        pass

    def examine(value):
        waiting = [value]
        while waiting:
            part = waiting.pop()
            kind = type(part)
            if type.__dict__["__flags__"].__get__(kind) & 0x300 == 0x200 and kind not in trusted:
                raise NotPlainValue
            if isinstance(part, (list, tuple, set, frozenset, deque)):
                waiting.extend(part)
            elif isinstance(part, dict):
                waiting.extend(part.keys())
                waiting.extend(part.values())

    def call(*args, **kwargs):
        value = function(*args, **kwargs)
        examine(value)
        return value

    return call
"""
"""0x200 marks classes made at run time, 0x100 the immutable ones among them, which only the interpreter makes."""


def grade(item: Item, solutions: Sequence[str], executor: Executor) -> list[Verdict]:
    """One verdict per solution (a whole program that defines `item.entry`), in order; equal ones are graded once."""
    known = {item.entry, *re.findall(r"\w+", item.test)}
    forms = [normal_form(solution, known) for solution in solutions]
    once = dict(zip(forms, solutions, strict=True))
    decided = {form: _grade_one(item, solution, executor) for form, solution in once.items()}
    return [decided[form] for form in forms]


def _grade_one(item: Item, solution: str, executor: Executor) -> Verdict:
    if not solution.strip():
        return Verdict(False, False, "empty")
    code = f"{item.prelude}{solution}\n{item.test}\n{_GUARD}"
    done = executor.run(Job(code, (f"{CHECK}(_semray_guard({item.entry}))",), LIMITS, trace=False))
    if done is None:
        return UNGRADED
    if done[0].status == "ok":
        return Verdict(True, True, "pass")
    if not (done[0].exception or "").startswith("NotPlainValue"):
        return failed(done[0])
    done = executor.run(Job(code, (f"{CHECK}({item.entry})",), LIMITS, trace=False))
    if done is None:
        return UNGRADED
    return Verdict(True, False, "pass") if done[0].status == "ok" else failed(done[0])
