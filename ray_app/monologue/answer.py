"""The last line of a monologue: the assertion that was asked for, finished, between tags. Only here is it spelt."""

import ast

_LOOSE = (ast.Tuple, ast.Compare, ast.BoolOp, ast.IfExp, ast.Lambda, ast.NamedExpr, ast.UnaryOp, ast.Await)


def final_answer(call: str, output: str) -> str:
    """The answer where a call returns: "[ANSWER]assert f(1) == 2[/ANSWER]"; several calls stand in brackets."""
    return f"[ANSWER]assert {call if _is_single(call) else f'({call})'} == {output}[/ANSWER]"


def raised_answer(call: str, exception: str) -> str:
    """The answer where "Type: message" leaves the call: "[ANSWER]f(0) raises ValueError[/ANSWER]"."""
    return f"[ANSWER]{call} raises {exception.partition(':')[0].strip()}[/ANSWER]"


def _is_single(call: str) -> bool:
    """Whether an expression binds as closely as a call does, so that a comparison needs no brackets around it."""
    try:
        node = ast.parse(call.strip(), mode="eval").body
    except SyntaxError:
        return True
    return not isinstance(node, _LOOSE) or call.strip().startswith("(")
