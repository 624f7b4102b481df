"""Small replacements in source text at the places that the syntax tree names; the rest stays as it was written."""

import ast
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `text` in place of the bytes `start`..`end` of the encoded code. `line` is where the stretch begins.

    `whole`: the text stands for one operand, and needs brackets where it would bind otherwise without them.
    """

    kind: str
    line: int
    start: int
    end: int
    text: str
    whole: bool = True


class Text:
    """A program's text with the places of its nodes, counted in bytes as `ast` does."""

    def __init__(self, code: str) -> None:
        self.encoded = code.encode()
        self._starts = [0]
        for line in self.encoded.split(b"\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def start(self, node: ast.expr | ast.stmt) -> int:
        """Where a node begins."""
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        """Where a node ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._starts[node.end_lineno - 1] + node.end_col_offset

    def line_start(self, line: int) -> int:
        """Where a line begins; the line after the last one begins at the end."""
        return min(self._starts[line - 1], len(self.encoded))

    def line_of(self, position: int) -> int:
        """The line that holds a position."""
        return self.encoded.count(b"\n", 0, position) + 1

    def between(self, start: int, end: int) -> str:
        """The text of a stretch."""
        return self.encoded[start:end].decode()

    def of(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node."""
        return self.between(self.start(node), self.end(node))

    def replace(self, kind: str, node: ast.expr | ast.stmt, text: str) -> Edit:
        """The edit that puts `text` in place of a node."""
        return Edit(kind, node.lineno, self.start(node), self.end(node), text)

    def within(self, kind: str, start: int, end: int, old: str, new: str) -> Edit | None:
        """The edit that exchanges the first `old` in a stretch for `new`; None where the stretch does not hold it."""
        stretch = self.between(start, end)
        if old not in stretch:
            return None
        at = start + len(stretch[: stretch.index(old)].encode())
        return Edit(kind, self.line_of(at), at, at + len(old.encode()), new)

    def apply(self, edit: Edit) -> str | None:
        """The code after an edit, None where it does not parse or is the same program."""
        head, tail = self.encoded[: edit.start].decode(), self.encoded[edit.end :].decode()
        plain, wrapped = head + edit.text + tail, f"{head}({edit.text}){tail}"
        tree, safe = _dump(plain), _dump(wrapped)
        if tree == _dump(self.encoded.decode()):
            return None
        if tree and (tree == safe or not safe or not edit.whole):
            return plain
        return wrapped if safe and edit.whole else None


def _dump(code: str) -> str:
    try:
        return ast.dump(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
