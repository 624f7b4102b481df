"""Parse Python in threads: before 3.13 CPython counts the depth of syntax trees once for all of them.

Two threads that parse at once can then fail with a SystemError, so everything that may run in threads parses here.
"""

import ast
import threading
from typing import Any

_ONE = threading.Lock()


def parse(text: str) -> ast.Module:
    """`ast.parse(text)`."""
    with _ONE:
        return ast.parse(text)


def parse_expression(text: str) -> ast.expr:
    """The tree of one expression; blanks around it do not matter."""
    with _ONE:
        return ast.parse(text.strip(), mode="eval").body


def literal(text: str) -> Any:
    """`ast.literal_eval(text)`."""
    return ast.literal_eval(parse_expression(text))
