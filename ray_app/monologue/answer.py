"""The last line of a monologue: the assertion that was asked for, finished, between tags.

`final_answer` and `raised_answer` are the only places that spell it; `split_answer` and `split_raised` read it.
"""

import ast
import re

from ray_app.monologue.evaluate import Unknown, parse_expression

_RAISES = re.compile(r"(.+?)\s+raises\s+`?([A-Za-z_][\w.]*)`?", re.DOTALL)


def final_answer(call: str, output: str) -> str:
    """The answer where a call returns: "[ANSWER]assert f(1) == 2[/ANSWER]"; several calls stand in brackets."""
    return f"[ANSWER]assert {call if is_single(call) else f'({call})'} == {output}[/ANSWER]"


def is_single(call: str) -> bool:
    """Whether an expression binds as closely as a call does, so that a comparison needs no brackets around it."""
    try:
        node = ast.parse(call.strip(), mode="eval").body
    except SyntaxError:
        return True
    loose = (ast.Tuple, ast.Compare, ast.BoolOp, ast.IfExp, ast.Lambda, ast.NamedExpr, ast.UnaryOp, ast.Await)
    return not isinstance(node, loose) or call.strip().startswith("(")


def raised_answer(call: str, exception: str) -> str:
    """The answer where "Type: message" leaves the call: "[ANSWER]f(0) raises ValueError[/ANSWER]"."""
    return f"[ANSWER]{call} raises {kind_of(exception)}[/ANSWER]"


def kind_of(exception: str) -> str:
    """The type in "Type: message"."""
    return exception.split(":")[0].strip()


def split_answer(answer: str) -> tuple[str, str]:
    """("f(1)", "2") from "assert f(1) == 2" or "f(1) == 2"; ("", "2") from a bare value; ("", "") where it is
    no Python.
    """
    try:
        node = parse_expression(answer.strip().removeprefix("assert ").strip())
    except Unknown:
        return "", ""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.Is)):
        return ast.unparse(node.left), ast.unparse(node.comparators[0])
    return "", ast.unparse(node)


def split_raised(answer: str) -> tuple[str, str]:
    """("f(0)", "ValueError") from "f(0) raises ValueError"; ("", "") where it says nothing of the kind."""
    match = _RAISES.fullmatch(answer.strip())
    return (match[1], match[2]) if match else ("", "")


def witness_of(answer: str, entry: str) -> tuple[str, str]:
    """(call, stated output) of an answer such as "assert f(1) == 2" or "f(1)"; ("", "") where it has no call
    of the entry.
    """
    call, value = split_answer(answer)
    for witness, output in ((call, value), (value, "")):
        if is_call_of(witness, entry):
            return witness, output
    return "", ""


def is_call_of(text: str, entry: str) -> bool:
    """Whether a text is a plain call of the function."""
    try:
        node = parse_expression(text)
    except Unknown:
        return False
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == entry
