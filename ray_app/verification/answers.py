"""Whether the answer at the end of a text is what the run gave."""

import ast

from ray_app.claims.answer import read_answer
from ray_app.claims.code import normal, parsed
from ray_app.semantics.record import Run
from ray_app.verification.known import value_of
from ray_app.verification.states import equal


def answer_fault(run: Run, answer: str) -> str:
    """What is wrong with an answer, as a fixed short text; "" where it is right."""
    found = read_answer(answer)
    if found.call and not is_call(found.call, run.call):
        return "answer is about another call"
    if run.exception is not None:
        kind = run.exception.partition(":")[0].strip()
        return "" if found.raises and found.raises.split(".")[-1] == kind.split(".")[-1] else "wrong answer"
    if found.raises or not found.value:
        return "wrong answer"
    if equal(found.value, run.output):
        return ""
    worked_out = value_of(found.value, {})
    return "" if worked_out is not None and equal(worked_out, run.output) else "wrong answer"


def is_call(stated: str, call: str) -> bool:
    """Whether a stated call is the recorded one: the same function and the same arguments, however they are written."""
    if "".join(stated.split()) == "".join(call.split()):
        return True
    one, other = parsed(stated), parsed(call)
    if one is not None and other is not None and ast.dump(one) == ast.dump(other):
        return True
    if not isinstance(one, ast.Call) or not isinstance(other, ast.Call):
        return False
    return [normal(ast.unparse(part)) for part in _parts(one)] == [normal(ast.unparse(part)) for part in _parts(other)]


def _parts(call: ast.Call) -> list[ast.expr]:
    return [call.func, *call.args, *(word.value for word in call.keywords)]
