"""Grading of assertions that were completed (REval's output question).

official  the answered code runs without error beside the program, with no fewer assertions than asked and none on a
          bare True or False; lines that the answer leaves out at its beginning are put back
strict    as official, and the answer is the asked code with literals where it had ??
"""

import ast
import textwrap

from ray_app.evaluation import values
from ray_app.evaluation.items import Item
from ray_app.evaluation.verdicts import UNGRADED, Executor, Verdict, failed
from ray_app.parsing import parse
from ray_app.sandbox.api import Job
from ray_app.sandbox.limits import Limits

_LIMITS = Limits(cpu_s=10.0, wall_s=60.0, memory_bytes=1 << 30)
_UNKNOWN = "_semray_unknown"
_EMPTY = ("assertTrue(True)", "assertFalse(False)", "assert True", "assert False")
_RUN = """
def _semray_completed(entry, index):
    made, _ = _semray_case(entry, index)
    _semray_answer(made)
"""


def grade(item: Item, answer: str, executor: Executor) -> Verdict:
    """The verdict on one answer; `item.output` is the asked code, `item.test` the tests of a class, or ""."""
    code = _padded(answer, item.output)
    if any(empty in code for empty in _EMPTY) or code.count("assert") < item.output.count("assert"):
        return Verdict(False, False, "malformed")
    program, call = (_in_class if item.test else _alone)(item, code)
    done = executor.run(Job(program, (call,), _LIMITS, trace=False))
    if done is None:
        return UNGRADED
    if done[0].status != "ok":
        return failed(done[0])
    return Verdict(True, _only_filled(item.output, code), "pass")


def _padded(answer: str, asked: str) -> str:
    """The answer with the first asked lines, where it has fewer."""
    given, wanted = answer.strip().split("\n"), asked.strip().split("\n")
    return "\n".join([*wanted[: max(0, len(wanted) - len(given))], *given])


def _alone(item: Item, code: str) -> tuple[str, str]:
    return f"{item.code}\ndef _semray_answer():\n{textwrap.indent(code, '    ')}\n", "_semray_answer()"


def _in_class(item: Item, code: str) -> tuple[str, str]:
    body = textwrap.indent(code.replace("self.assert", "assert").replace("assert", "self.assert"), "    ")
    index = item.id.split("/")[2]
    program = f"{item.code}\n{item.test}\n{_RUN}\ndef _semray_answer(self):\n{body}\n"
    return program, f"_semray_completed({item.entry!r}, {index})"


def _only_filled(asked: str, answer: str) -> bool:
    """Whether the answer is the asked code but for literals in the places of ??."""
    try:
        wanted = parse(asked.strip().replace("??", _UNKNOWN))
        given = parse(answer.strip().replace("self.assert", "assert"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return _fits(wanted, given)


def _fits(wanted: object, given: object) -> bool:
    if isinstance(wanted, ast.Name) and wanted.id == _UNKNOWN:
        return isinstance(given, ast.expr) and values.is_strict_literal(given) and _is_value(given)
    if isinstance(wanted, list) and isinstance(given, list):
        return len(wanted) == len(given) and all(map(_fits, wanted, given))
    if not isinstance(wanted, ast.AST):
        return type(wanted) is type(given) and wanted == given
    return type(wanted) is type(given) and all(
        _fits(getattr(wanted, name, None), getattr(given, name, None)) for name in wanted._fields
    )


def _is_value(node: ast.expr) -> bool:
    try:
        values.value_of(node)
    except (values.OpaqueError, RecursionError):
        return False
    return True
