"""Grading of predicted outputs and inputs (CRUXEval, LiveCodeBench execution, our held-out programs).

official  the benchmarks' own rule: the text `assert <output> == <answer>` after the program must run without error,
          within 3 s; an answer that names the call (output) or calls nothing (input) is malformed. As text,
          `4 or 3` passes against 3.
strict    output: the answer is one literal, equal to the output and of the same type at every level. Input: the answer
          is one call of the function, does not reach into the program by its arguments, and returns exactly the output.

A run that exceeds a first short limit is either proved endless (`endless`) or run again with the whole limit.

An answer that reads as one operand of the assertion is evaluated alone and compared here, where the program cannot
interfere; only the rest (statements, loose operators, values without a literal) is run as the official text.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ray_app.evaluation import endless, values
from ray_app.evaluation.items import Item
from ray_app.evaluation.verdicts import UNGRADED, Executor, Verdict, failed
from ray_app.parsing import parse
from ray_app.records import Execution
from ray_app.sandbox.api import Job
from ray_app.sandbox.limits import Limits

LIMITS = Limits(cpu_s=3.0, wall_s=60.0, memory_bytes=1 << 30, output_chars=65_536)
_FIRST_LOOK = replace(LIMITS, cpu_s=0.2)
_PASTED_LIMIT = 100_000
_REFLECTION = frozenset(
    ("globals", "locals", "vars", "exec", "eval", "setattr", "delattr", "getattr", "compile", "open")
)


@dataclass(frozen=True, slots=True)
class _Operand:
    """An answer that is exactly the right operand of the assertion: a literal with its value, or an expression."""

    expression: str
    is_literal: bool
    value: Any
    strict: bool


def grade(item: Item, answers: Sequence[str], executor: Executor) -> list[Verdict]:
    """One verdict per answer to one item, in order; equal answers are graded once."""
    decided: dict[str, Verdict] = {}
    operands: dict[str, _Operand] = {}
    pasted: list[str] = []
    for answer in dict.fromkeys(answers):
        if _is_malformed(item, answer):
            decided[answer] = Verdict(False, False, "malformed")
        elif not answer.strip():
            decided[answer] = Verdict(False, False, "empty")
        elif (operand := _operand(item, answer)) is None:
            pasted.append(answer)
        elif operand.is_literal:
            decided[answer] = _compare(item, operand, operand.value)
        else:
            operands[answer] = operand
    decided |= _evaluate(item, operands, pasted, executor)
    decided |= {answer: _paste(item, answer, executor) for answer in pasted}
    return [decided[answer] for answer in answers]


def _is_malformed(item: Item, answer: str) -> bool:
    """The official test, on the text as it is."""
    return f"{item.entry}(" not in answer if item.task == "input" else item.call in answer


def _operand(item: Item, answer: str) -> _Operand | None:
    """The answer as Python reads it in `assert <output> == <answer>`; None if it is more or less than one operand."""
    if len(answer) > _PASTED_LIMIT:
        return None
    try:
        parsed = parse(f"assert {item.output} == {answer}").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    match parsed:
        case [ast.Assert(test=ast.Compare(ops=[ast.Eq()], comparators=[node]), msg=None)]:
            return _classified(item, node)
        case _:
            return None


def _classified(item: Item, node: ast.expr) -> _Operand | None:
    try:
        if item.task == "output" and values.is_strict_literal(node):
            return _Operand("", True, values.value_of(node), True)
        return _Operand(ast.unparse(node), False, None, _is_plain_call(item, node))
    except (values.OpaqueError, RecursionError):
        return None


def _is_plain_call(item: Item, node: ast.expr) -> bool:
    """Whether the answer is one call of the function, whose arguments cannot change what the function is."""
    if item.task != "input" or not isinstance(node, ast.Call):
        return False
    if not isinstance(node.func, ast.Name) or node.func.id != item.entry:
        return False
    return not any(_may_interfere(part) for argument in (*node.args, *node.keywords) for part in ast.walk(argument))


def _may_interfere(part: ast.AST) -> bool:
    if isinstance(part, ast.Name):
        return part.id in _REFLECTION or part.id.startswith("__")
    if isinstance(part, ast.Attribute):
        return part.attr.startswith("__")
    return isinstance(part, ast.NamedExpr)


def _evaluate(item: Item, operands: dict[str, _Operand], pasted: list[str], executor: Executor) -> dict[str, Verdict]:
    """Verdicts on expressions, all run in one job; those whose value has no literal are added to `pasted`."""
    if not operands:
        return {}
    calls = tuple(dict.fromkeys(operand.expression for operand in operands.values()))
    done = _run(Job(item.prelude + item.code, calls, LIMITS, trace=False), executor)
    if done is None:
        return dict.fromkeys(operands, UNGRADED)
    executions = dict(zip(calls, done, strict=True))
    decided: dict[str, Verdict] = {}
    for answer, operand in operands.items():
        verdict = _returned(item, operand, executions[operand.expression])
        if verdict is None:
            pasted.append(answer)
        else:
            decided[answer] = verdict
    return decided


def _run(job: Job, executor: Executor) -> list[Execution] | None:
    """As `executor.run(job)`, but does not wait for the end of what is seen to be endless."""
    done = executor.run(replace(job, limits=_FIRST_LOOK))
    slow = [] if done is None else [index for index, one in enumerate(done) if one.status == "timeout-cpu"]
    for index in slow:
        alone = replace(job, calls=(job.calls[index],))
        if not (traced := _seen_endless(alone, executor)):
            traced = executor.run(alone)
        if traced is None or done is None:
            return None
        done[index] = traced[0]
    return done


def _seen_endless(job: Job, executor: Executor) -> list[Execution] | None:
    """The execution of the job's only call if it is proved that it never ends."""
    if not endless.may_prove(job.code):
        return None
    done = executor.run(replace(job, limits=_FIRST_LOOK, trace=True))
    if done is None or done[0].status != "timeout-cpu" or done[0].trace is None:
        return None
    return done if endless.proves(job.code, done[0].trace) else None


def _returned(item: Item, operand: _Operand, execution: Execution) -> Verdict | None:
    if execution.status == "truncated":
        return None
    if execution.status != "ok" or execution.output is None:
        return failed(execution)
    try:
        return _compare(item, operand, values.read(execution.output))
    except values.OpaqueError:
        if execution.output == item.output:
            return Verdict(True, operand.strict, "pass")
        return None


def _compare(item: Item, operand: _Operand, value: Any) -> Verdict:
    try:
        expected = values.read(item.output)
    except values.OpaqueError:
        return Verdict(False, False, "wrong")
    official = bool(expected == value)
    return Verdict(official, operand.strict and values.same(expected, value), "pass" if official else "wrong")


def _paste(item: Item, answer: str, executor: Executor) -> Verdict:
    """The official text, run as it stands; never a strict pass."""
    text = f"{item.prelude}{item.code}\nassert {item.output} == {answer}\n"
    done = _run(Job(text, ("None",), LIMITS, trace=False), executor)
    if done is None:
        return UNGRADED
    return Verdict(True, False, "pass") if done[0].status == "ok" else failed(done[0])
