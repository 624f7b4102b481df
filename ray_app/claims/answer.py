"""The answer at the end of a text: "[ANSWER]assert f(1) == 2[/ANSWER]", or "f(0) raises ValueError"."""

import ast
import re
from typing import NamedTuple

from ray_app.claims.code import parsed

_ANSWER = re.compile(r"\[ANSWER\]\s*(.*?)\s*(?:\[/ANSWER\]|\Z)", re.DOTALL | re.IGNORECASE)
_ASSERT = re.compile(r"^\s*`?(assert .+?)`?\s*$", re.MULTILINE)
_RAISES = re.compile(r"(.+?)\s+raises\s+`?([A-Za-z_][\w.]*)`?", re.DOTALL)
_TAGS = re.compile(r"\[/?(?:THOUGHT|MONOLOGUE|ANSWER)\]", re.IGNORECASE)
_CODE = re.compile(r"\[PYTHON\].*?\[/PYTHON\]", re.DOTALL | re.IGNORECASE)


class Answer(NamedTuple):
    """`call` and the `value` that it is said to give (source texts), or the exception that it `raises`; "" where not
    said."""

    call: str
    value: str
    raises: str


def split(text: str) -> tuple[str, str]:
    """A text without its answer, tags and copied program, every position kept, and the answer ("" where there is
    none)."""
    body = _blanked(text, _CODE)
    found = list(_ANSWER.finditer(body))
    if found:
        answer = found[-1][1]
        return _blanked(_blanked(body, _ANSWER), _TAGS), answer
    asserts = list(_ASSERT.finditer(body))
    if not asserts:
        return _blanked(body, _TAGS), ""
    last = asserts[-1]
    body = body[: last.start()] + re.sub(r"[^\n]", " ", last.group()) + body[last.end() :]
    return _blanked(body, _TAGS), last[1]


def _blanked(text: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text) if "[" in text else text


def read_answer(answer: str) -> Answer:
    """What an answer says; all empty where it is no Python."""
    text = answer.strip().removeprefix("assert ").strip()
    raises = _RAISES.fullmatch(text)
    if raises and parsed(text) is None:
        return Answer(raises[1], "", raises[2])
    node = parsed(text)
    if node is None:
        return Answer("", "", "")
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.Is)):
        return Answer(ast.unparse(node.left), ast.unparse(node.comparators[0]), "")
    return Answer("", ast.unparse(node), "")
