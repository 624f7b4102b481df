"""A static screen: may this code be expected to be a deterministic function of its arguments?

The screen only saves time. What decides is the sandbox: it denies files, network and clock, and runs everything twice.
"""

import ast

_words = str.split

ALLOWED_MODULES = frozenset(
    _words(
        """abc base64 binascii bisect calendar cmath collections collections.abc contextlib copy dataclasses datetime
        decimal difflib enum fractions functools hashlib heapq html itertools json keyword math numbers operator re
        reprlib statistics string struct textwrap types typing unicodedata zlib"""
    )
)
"""Standard modules whose functions depend on their arguments only and that the sandbox can import."""

_DENIED_NAMES = frozenset(
    _words(
        """open input exec eval compile globals locals vars id hash __import__ exit quit breakpoint help memoryview
        print __file__ __builtins__ __loader__ __spec__ __path__ __package__ copyright credits license"""
    )
)
_DENIED_ATTRIBUTES = frozenset(
    _words(
        """now today utcnow fromtimestamp localtime __globals__ __code__ __closure__ __subclasses__ __builtins__
        __bases__ __mro__ __dict__ __getattribute__ __reduce__ __module__ f_back gi_frame tb_frame"""
    )
)


class Impure(Exception):
    """The code cannot stand alone or is not a function of its arguments: a short fixed reason, and what caused it."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


def check_pure(tree: ast.AST) -> None:
    """Raises Impure for denied names and attributes, `global`, async code and modules outside ALLOWED_MODULES."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in _DENIED_NAMES:
            raise Impure("denied name", node.id)
        if isinstance(node, ast.Attribute) and node.attr in _DENIED_ATTRIBUTES:
            raise Impure("denied attribute", node.attr)
        if isinstance(node, ast.Global):
            raise Impure("global state")
        if isinstance(node, ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith | ast.Await):
            raise Impure("async")
        if isinstance(node, ast.Import):
            _check_modules([alias.name for alias in node.names])
        if isinstance(node, ast.ImportFrom):
            _check_modules(["." * node.level + (node.module or "")])


def _check_modules(names: list[str]) -> None:
    for name in names:
        if name not in ALLOWED_MODULES:
            raise Impure("foreign import", name)
