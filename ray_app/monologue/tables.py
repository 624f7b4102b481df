"""Claims in Markdown tables: one row is one iteration, one cell the value of its column's expression at its end."""

import ast
import re

from ray_app.monologue.claim import Anchor, Claim
from ray_app.monologue.evaluate import literal, show

_ROW = re.compile(r"^[ \t]*\|(.*)\|[ \t]*$", re.MULTILINE)
_COUNTERS = frozenset({"iteration", "iter", "#", "pass", "round", "step", "iteration #", "it.", "no.", "it"})


def tables(text: str) -> tuple[list[Claim], str]:
    """The claims of Markdown tables, one sentence per row, and the text with the tables blanked out."""
    claims: list[Claim] = []
    header: list[str] = []
    previous_end = -2
    body = text
    for match in _ROW.finditer(text):
        cells = _cells(match.group(1), match.start(1))
        body = body[: match.start()] + " " * (match.end() - match.start()) + body[match.end() :]
        if match.start() != previous_end + 1:
            header = [cell.strip("`* ") for cell, _, _ in cells]
        elif not all(re.fullmatch(r"[\s:=-]*", cell) for cell, _, _ in cells):
            claims += _row(header, cells, -match.start() - 1)
        previous_end = match.end()
    return claims, body


def _cells(row: str, offset: int) -> list[tuple[str, int, int]]:
    """The cells of a row with their spans; a bar inside quotes divides nothing."""
    cells: list[tuple[str, int, int]] = []
    start, quote, position = 0, "", 0
    while position <= len(row):
        character = row[position : position + 1]
        if quote:
            if character == "\\":
                position += 1
            elif character == quote:
                quote = ""
        elif character and character in "'\"":
            quote = character
        elif character in ("|", ""):
            cells.append((row[start:position].strip(), offset + start, offset + position))
            start = position + 1
        position += 1
    return cells


def _row(header: list[str], cells: list[tuple[str, int, int]], sentence: int) -> list[Claim]:
    claims: list[Claim] = []
    anchors: tuple[Anchor, ...] = ()
    for name, (cell, start, end) in zip(header, cells, strict=False):
        value = _cell_value(cell)
        if value is None:
            continue
        loop = re.fullmatch(r"(?:iteration|pass) \(\[?L(\d+)\]?\)", name)
        if loop or name.lower() in _COUNTERS:
            anchors = ((int(loop.group(1)) if loop else None, int(value)),) if value.lstrip("-").isdigit() else ()
            claims.append(
                Claim(
                    "iteration",
                    start,
                    end,
                    cell,
                    loop.group(1) if loop else "",
                    value,
                    "state",
                    0,
                    0,
                    anchors,
                    sentence,
                )
            )
            continue
        kind = "value" if name.isidentifier() else "expression"
        claims.append(Claim(kind, start, end, cell, name, value, "end", 0, 0, anchors, sentence))
    return claims


def _cell_value(cell: str) -> str | None:
    try:
        return show(literal(ast.parse(cell.strip("`* "), mode="eval").body))
    except (SyntaxError, ValueError, TypeError, RecursionError):
        return None
