"""Programs that differ only in layout, comments, docstrings and the names of variables need to be run only once."""

import ast
import builtins
from collections.abc import Collection
from typing import Any

from ray_app.parsing import parse

_BUILTINS = frozenset(dir(builtins))
_REFLECTION = frozenset("locals globals vars eval exec dir getattr setattr hasattr delattr compile open".split())  # noqa: SIM905
_INTROSPECTION = frozenset(("inspect", "sys", "gc", "dis", "traceback", "builtins", "attrgetter", "*"))
_HOLDS_NAMES_AS_TEXT = (ast.ClassDef, ast.Global, ast.Nonlocal, ast.Match, ast.AsyncFunctionDef)


def normal_form(code: str, known: Collection[str]) -> str:
    """A text that two programs share only if they do the same for all who use nothing of them but the names `known`.

    Names are numbered in order of appearance, unless the program can notice what its names are (classes, keyword
    arguments, reflection); then, and where the code cannot be parsed, fewer programs share a text.
    """
    try:
        tree = parse(code)
        _drop_docstrings(tree)
        _number(tree, _own_names(tree) - _BUILTINS - set(known))
        return ast.dump(tree) if tree.body else code
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code


def _drop_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef) and len(node.body) > 1 and _is_text(node.body[0]):
            del node.body[0]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _own_names(tree: ast.Module) -> set[str]:
    """The names that may be changed together everywhere: none if anything could see the difference."""
    bound: set[str] = set()
    fixed: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in _REFLECTION or name.startswith("__"):
                return set()
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name) | ast.FunctionDef(name=name):
                bound.add(name)
            case ast.alias(name=name) if name in _INTROSPECTION:
                return set()
            case ast.alias(name=name, asname=other):
                fixed |= {name.partition(".")[0], other or ""}
            case ast.ExceptHandler(name=str(name)) | ast.keyword(arg=str(name)):
                fixed.add(name)
            case ast.keyword(arg=None):
                return set()
            case _ if isinstance(node, _HOLDS_NAMES_AS_TEXT):
                return set()
            case _:
                pass
    return bound - fixed


def _number(tree: ast.AST, names: set[str]) -> None:
    numbers: dict[str, str] = {}

    def number(name: str) -> str:
        return numbers.setdefault(name, f"#{len(numbers)}") if name in names else name

    for node in ast.walk(tree):
        part: Any = node
        if isinstance(node, ast.Name):
            part.id = number(node.id)
        elif isinstance(node, ast.arg):
            part.arg = number(node.arg)
        elif isinstance(node, ast.FunctionDef):
            part.name = number(node.name)
