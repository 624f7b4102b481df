"""Whether a piece of text is code of a program: a whole line, a statement, or an expression in it.

Pieces are compared as syntax trees, so spaces, quotes and redundant brackets make no difference. The trees of a program
are numbered once, equal trees alike, so that a piece is looked up instead of compared.
"""

import ast
import contextlib
import copy
import functools
from dataclasses import dataclass, field

from ray_app.monologue.evaluate import Unknown, parse_expression
from ray_app.monologue.source import Source, read

_NO_MEANING = frozenset({"ctx", "kind", "type_comment", "type_ignores"})


def quotes(code: str, piece: str, line: int) -> bool:
    """Whether the piece is code of the statement at `line` (0: of any)."""
    book = _book(read(code))
    known = book.lines.get(line) if line else book.whole
    if known is None:
        return False
    number = _piece(book, piece)
    return number in known.texts if isinstance(number, str) else number in known.trees


@functools.lru_cache(maxsize=8_192)
def _piece(book: "_Book", piece: str) -> int | str:
    """The number of a piece in a program, -1 where none of its trees is like it; its words where it is no tree."""
    stripped = piece.strip().rstrip(":")
    node = _parsed(stripped)
    return _squeezed(stripped) if node is None else _number(node, book.numbers, None)


def is_quoted(source: Source, node: ast.expr) -> bool:
    """Whether an expression made up for a telling is code of the program after all, so that it would name a place."""
    return quotes(source.code, ast.unparse(node), 0)


def normal(piece: str) -> str:
    """The code of a piece as Python would print it; what does not parse only loses its extra spaces."""
    stripped = piece.strip().rstrip(":")
    node = _parsed(stripped)
    return _squeezed(stripped) if node is None else ast.unparse(node)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


@functools.lru_cache(maxsize=8_192)
def _parsed(piece: str) -> ast.AST | None:
    """The tree of a piece: an expression by itself, a single statement, or a module; None where it is no code."""
    with contextlib.suppress(Unknown):
        return parse_expression(piece)
    try:
        module = ast.parse(piece)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return module.body[0] if len(module.body) == 1 else module


@dataclass(frozen=True, slots=True)
class _Known:
    """The code of a place: the numbers of its trees, and what is no tree by itself ("else", "if x > 2")."""

    trees: set[int] = field(default_factory=set[int])
    texts: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True, eq=False)
class _Book:
    numbers: dict[tuple[object, ...], int]
    lines: dict[int, _Known]
    whole: _Known


@functools.lru_cache(maxsize=512)
def _book(source: Source) -> _Book:
    book = _Book({}, {line: _Known() for line in range(1, len(source.lines) + 1)}, _Known())
    _number(source.tree, book.numbers, book.lines)
    inside_text = _lines_inside_text(source)
    alone = {
        statement for line, statement in source.statements.items() if source.statements.get(line + 1) is not statement
    }
    for line, known in book.lines.items():
        statement = source.statements.get(line)
        partial = statement is None or statement.lineno != line or statement not in alone or hasattr(statement, "body")
        if partial and line not in inside_text:
            _add_line(book, known, source.text(line))
        if statement is not None and statement.lineno == line and hasattr(statement, "body"):
            known.texts.add(_header(statement))
        book.whole.trees.update(known.trees)
        book.whole.texts.update(known.texts)
    return book


def _lines_inside_text(source: Source) -> set[int]:
    """The lines that begin inside a string: what stands there is no code."""
    texts = (node for node in source.nodes if isinstance(node, (ast.Constant, ast.JoinedStr)))
    return {line for node in texts for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)}


def _add_line(book: _Book, known: _Known, text: str) -> None:
    """A line as it stands there: a header, or a part of a statement that spans lines."""
    stripped = text.strip().rstrip(":")
    node = None if text.endswith(":") else _parsed(stripped)  # a header is no code by itself
    if node is None:
        known.texts.add(_squeezed(stripped))
    else:
        known.trees.add(_number(node, book.numbers, {}))


def _header(statement: ast.stmt) -> str:
    """The first line of a compound statement as Python would print it, whatever it holds."""
    emptied = copy.copy(statement)
    for name in ("body", "orelse", "handlers", "finalbody"):
        if getattr(statement, name, None):
            setattr(emptied, name, [ast.Pass()])
    return _squeezed(ast.unparse(emptied).split("\n")[0].rstrip(":"))


def _number(
    node: ast.AST, numbers: dict[tuple[object, ...], int], lines: dict[int, _Known] | None, line: int = 0
) -> int:
    """The number of a tree; -1 for one without, unless `lines` is given, which notes the trees of each line."""
    if isinstance(node, ast.stmt):
        line = node.lineno
    key: list[object] = [type(node)]
    for name in node._fields:
        value = getattr(node, name, None)
        if name in _NO_MEANING:
            continue
        if isinstance(value, ast.AST):
            key.append(_number(value, numbers, lines, line))
        elif isinstance(value, list):
            key.append(
                tuple([_number(item, numbers, lines, line) if isinstance(item, ast.AST) else item for item in value])
            )
        else:
            key.append(value if isinstance(value, str) else (type(value), repr(value)))
    found = numbers.get(tuple(key), -1)
    if lines is None:
        return found
    if found < 0:
        found = numbers[tuple(key)] = len(numbers)
    if line in lines:
        lines[line].trees.add(found)
        if isinstance(node, ast.arg):
            lines[line].trees.add(_number(ast.Name(node.arg), numbers, {}))
    return found
