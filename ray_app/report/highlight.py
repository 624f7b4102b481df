"""Python code as escaped HTML lines with token classes: k keyword, s string, c comment, n number, d defined name."""

import io
import keyword
import tokenize
from collections.abc import Iterator

from markupsafe import Markup, escape

Span = tuple[int, int, str]
"""Start and end column, class."""


def highlight(lines: list[str]) -> list[Markup]:
    """One escaped fragment per line; a module that cannot be tokenized is plain text from there on."""
    spans: dict[int, list[Span]] = {}
    for line, start, end, kind in _spans(lines):
        spans.setdefault(line, []).append((start, end, kind))
    return [_line(text, spans.get(number, [])) for number, text in enumerate(lines, 1)]


def _line(text: str, spans: list[Span]) -> Markup:
    parts: list[Markup] = []
    at = 0
    for start, end, kind in spans:
        parts += [escape(text[at:start]), Markup('<i class="{}">{}</i>').format(kind, text[start:end])]
        at = end
    return Markup("").join([*parts, escape(text[at:])])


def _spans(lines: list[str]) -> Iterator[tuple[int, int, int, str]]:
    """(line, start, end, class); a token of several lines gives one span for each."""
    before = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
            kind = _class(token, before)
            before = token.string
            if not kind:
                continue
            (first, start), (last, end) = token.start, token.end
            for line in range(first, last + 1):
                yield line, start if line == first else 0, end if line == last else len(lines[line - 1]), kind
    except (tokenize.TokenError, SyntaxError):
        return


def _class(token: tokenize.TokenInfo, before: str) -> str:
    if token.type == tokenize.NAME:
        if keyword.iskeyword(token.string):
            return "k"
        return "d" if before in ("def", "class") else ""
    if "STRING" in tokenize.tok_name[token.type]:
        return "s"
    return {tokenize.COMMENT: "c", tokenize.NUMBER: "n"}.get(token.type, "")
