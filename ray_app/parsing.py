"""Parse Python in threads: before 3.13 CPython counts the depth of syntax trees once for all of them.

Two threads that parse at once can then fail with a SystemError, so everything that may run in threads parses here.
"""

import ast
import codecs
import io
import threading
import tokenize
from pathlib import Path
from typing import Any

from ray_app.errors import InputError

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


def read_source(path: Path) -> str:
    """A program's text as the interpreter reads it: in the encoding that it declares, without a byte order mark.

    InputError names a file that cannot be read so.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return plain_source(codecs.decode(data, encoding))
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise InputError(f"{path}: cannot be read as the text of a Python program: {error}") from error


def plain_source(code: str) -> str:
    """The text with the line ends that the compiler makes of it, and without a byte order mark."""
    if "\r" in code:
        code = code.replace("\r\n", "\n").replace("\r", "\n")
    return code.removeprefix("\ufeff")
