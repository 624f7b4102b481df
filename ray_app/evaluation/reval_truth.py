"""What REval asks about a run, found by running it: which lines begin, which come next, and what variables hold.

The observer runs beside the program in the sandbox, with CPython's own line events, and follows REval's reading of
them: lines that follow each other on the same number are one moment; the state "after" a line is the one at the next
moment, whatever frame it is in; a variable is looked up at each of these moments.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ray_app.evaluation.verdicts import Executor
from ray_app.parsing import literal
from ray_app.sandbox.api import Job
from ray_app.sandbox.limits import Limits

LIMITS = Limits(cpu_s=20.0, wall_s=60.0, memory_bytes=1 << 30, output_chars=1_000_000)
TESTING = """
def _semray_tests(entry):
    from unittest import TestCase
    found = []
    for name, value in list(globals().items()):
        if isinstance(value, type) and issubclass(value, TestCase) and name.startswith(entry + "Test"):
            found.append(value)
    return found

def _semray_case(entry, index):
    case = _semray_tests(entry)[index]
    name = next(name for name in vars(case) if name.startswith("test"))
    made = case(name)
    made.setUp()
    return made, getattr(made, name)
"""
"""Source that finds the test classes of a class, in the order of their definition; each stands for its first test."""
_OBSERVER = """
def _semray_observe(run, length, asked):
    import ast, copy, itertools, json, sys
    from types import BuiltinFunctionType, FunctionType, ModuleType
    moments = []

    def kept(variables):
        found = {}
        for name, value in variables.items():
            if isinstance(value, (ModuleType, FunctionType, BuiltinFunctionType)) or hasattr(value, "__next__"):
                continue
            found[name] = copy.deepcopy(value)
        return found

    def local(frame, event, argument):
        if event not in ("line", "return", "exception"):
            return local
        line = frame.f_lineno
        if not moments or moments[-1][0] != line:
            moments.append((line, {}))
        if event == "line":
            moments[-1] = (line, kept(frame.f_locals))
        return local

    def enter(frame, event, argument):
        own = frame.f_code.co_filename == _semray_observe.__code__.co_filename
        return local if own and frame.f_code.co_firstlineno <= length else None

    sys.settrace(enter)
    try:
        run()
    finally:
        sys.settrace(None)

    def values(node, states):
        if isinstance(node, ast.Constant):
            return [node.value]
        if isinstance(node, ast.Name):
            return [state[node.id] for state in states if node.id in state]
        if isinstance(node, ast.Attribute):
            held = values(node.value, states)
            return [getattr(value, node.attr) for value in held if hasattr(value, node.attr)]
        if isinstance(node, ast.Tuple):
            return list(itertools.product(*[values(part, states) for part in node.elts]))
        found = []
        for held, key in itertools.product(values(node.value, states), values(node.slice, states)):
            try:
                found.append(held[key])
            except (TypeError, KeyError, IndexError):
                pass
        return found

    def answer(line, variable):
        at = [index for index, (number, _) in enumerate(moments) if number == line]
        after = [min(index + 1, len(moments) - 1) for index in at]
        following = [moments[index + 1][0] if index + 1 < len(moments) else -1 for index in at]
        try:
            held = values(ast.parse(variable, mode="eval").body, [moments[index][1] for index in after])
        except Exception:
            held = []
        texts = sorted({(repr(value), type(value).__name__) for value in held})
        return {"covered": bool(at), "next": sorted(set(following)) or [-1], "held": texts}

    return json.dumps([answer(line, variable) for line, variable in asked])
"""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a line: did it begin, which lines come next (-1: none), and the variable's (text, type) pairs
    after it, none where the line did not begin or the variable is not bound."""

    covered: bool
    next: tuple[int, ...]
    held: tuple[tuple[str, str], ...]


def observe(
    code: str, run: str, asked: Sequence[tuple[int, str]], executor: Executor, *, beside: str = ""
) -> list[Truth] | str:
    """The truth about each (line of `code`, variable) while the expression `run` is evaluated, or why there is none.

    `beside` is source that may use the code and is not observed.
    """
    program = f"{code}\n{beside}\n{_OBSERVER}"
    call = f"_semray_observe(lambda: {run}, {len(code.splitlines())}, {list(asked)!r})"
    done = executor.run(Job(program, (call,), LIMITS, trace=False))
    if done is None or done[0].status != "ok" or done[0].output is None:
        return "the machine failed" if done is None else done[0].exception or done[0].status
    try:
        found = json.loads(literal(done[0].output))
    except ValueError:
        return "its values cannot be read"
    return [Truth(one["covered"], tuple(one["next"]), tuple(map(tuple, one["held"]))) for one in found]
