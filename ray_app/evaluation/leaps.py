"""How far a stated value lies from what was stated before it, and what kind of work leads there."""

import ast
from functools import lru_cache

from ray_app.parsing import parse
from ray_app.records import Work

OPERATIONS = (
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.Call,
    ast.Subscript,
    ast.IfExp,
    ast.JoinedStr,
    ast.comprehension,
    ast.Not,
)
_IMPLIED: dict[type[ast.stmt], int] = {ast.For: 1, ast.AsyncFor: 1, ast.AugAssign: 1}
"""Operations that a statement does without an expression of its own: taking the next item, adding to a value."""
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_STRINGS = ("'", '"', "b'", 'b"')
_CONTROL = ("True", "False", "None")


def work(shown: str) -> Work:
    """What kind of work gives such a value: told by its type, in an expression by that of its first operand."""
    first = shown.lstrip("-+~ ").removeprefix("not ")
    name, bracket, argument = first.partition("(")
    if bracket and name.isidentifier():
        first = argument
    if first.startswith(_STRINGS):
        return "strings"
    if first.startswith(_CONTROL):
        return "control"
    return "arithmetic" if first[:1].isdigit() else "containers"


def leap(expression: str, stated: set[str], code: str, line: int) -> int:
    """How many operations lead to the value of an expression, less those whose values were `stated` in this step.

    Of a name it is the work of the statement on the line; an argument of a call is copied.
    """
    parts = [] if expression.isidentifier() else parsed(expression)
    if parts:
        return sum(_counted(part, stated) for part in parts)
    statement = _statements(code).get(line)
    if statement is None or isinstance(statement, _DEFINITIONS):
        return 0
    return _IMPLIED.get(type(statement), 0) + sum(_counted(part, stated) for part in _own(statement))


def falls_through(code: str, before: int, line: int) -> bool:
    """Whether a line holds the first statement below the line `before` (0: the first of the program)."""
    return min((start for start in _statements(code) if start > before), default=0) == line


@lru_cache(maxsize=4_096)
def tests(code: str, line: int) -> frozenset[str]:
    """The source of every test on a line: of the statement, of conditional expressions, of comprehensions."""
    statement = _statements(code).get(line)
    nodes = [] if statement is None else [statement, *(node for part in _own(statement) for node in ast.walk(part))]
    found: list[ast.expr] = []
    for node in nodes:
        found += getattr(node, "ifs", [])
        found += filter(None, [getattr(node, "test", None)])
    written = (ast.get_source_segment(code, test) or "" for test in found)
    return frozenset((*map(ast.unparse, found), *written))


def names(expression: str) -> list[str]:
    """The names in an expression, none where it is made of literals."""
    nodes = ast.walk(ast.Module(parsed(expression), []))
    return [node.id for node in nodes if isinstance(node, ast.Name)]


def parsed(text: str) -> list[ast.stmt]:
    """The statements of a text; none where it is no Python."""
    try:
        return parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


@lru_cache(maxsize=4_096)
def _statements(code: str) -> dict[int, ast.stmt]:
    """The statement that begins on each line; of several the first."""
    found: dict[int, ast.stmt] = {}
    for node in ast.walk(ast.Module(parsed(code), [])):
        if isinstance(node, ast.stmt):
            found.setdefault(node.lineno, node)
    return found


def _own(statement: ast.stmt) -> list[ast.expr]:
    """The expressions of a statement itself, without those of the statements within it."""
    return [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.expr)]


def _counted(node: ast.AST, stated: set[str]) -> int:
    if isinstance(node, ast.expr) and ast.unparse(node) in stated:
        return 0
    return isinstance(node, OPERATIONS) + sum(_counted(child, stated) for child in ast.iter_child_nodes(node))
