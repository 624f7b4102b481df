"""Literals of other languages, compared as texts that mean the same: no runtime of theirs is needed.

Two literals are the same if their tokens are, where blanks, redundant outer parentheses, the marks of number types
(`3l`, `3L`, `2.0f`), the quotes of a text, and for some languages the boolean words' case do not count. What only a
run can see to be equal (another constructor, keys in another order, a sum) is refused.
"""

import re

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|\d[\w.]*(?:[eE][-+]\d+)?|[A-Za-z_$@]\w*|\S')
_NUMBER = re.compile(r"(\d+)([lL]|_?[iu](?:8|16|32|64|128|size))?|(\d*\.\d+|\d+\.\d*)(?:[fFdDmM]|f32|f64)?")
_QUOTES_DIFFER = frozenset({"java", "cpp", "cs", "d", "go", "julia", "racket", "rust", "scala", "swift"})
"""Languages in which the kind of quotes tells a character from a text, or does not quote texts at all."""
_LISTS_IN_PARENTHESES = frozenset({"racket", "shell", "perl"})
"""Languages in which parentheses around a value change it."""


def tokens(text: str) -> list[str]:
    """The text's tokens: strings with their quotes, numbers, words, signs."""
    return _TOKEN.findall(text)


def outer(text: str) -> str:
    """An answer without what models put around it: a code fence, the assertion's rest, a final semicolon."""
    found = re.sub(r"^```\w*\n|\n?```$", "", text.strip()).strip()
    return found.removesuffix(";").strip()


def same(left: str, right: str, language: str) -> bool:
    """Whether two literals of the language are the same but for their spelling."""
    return _plain(left, language) == _plain(right, language)


def _plain(text: str, language: str) -> list[str]:
    found = [_token(token, language) for token in tokens(text)]
    while language not in _LISTS_IN_PARENTHESES and _is_wrapped(found):
        found = found[1:-1]
    return found


def _is_wrapped(found: list[str]) -> bool:
    """Whether one pair of parentheses stands around everything, with no comma right inside: it is no tuple."""
    if len(found) < 3 or found[0] != "(":
        return False
    depth = 0
    for index, token in enumerate(found):
        depth += (token in "([{") - (token in ")]}")
        if depth == 0:
            return index == len(found) - 1
        if depth == 1 and token == ",":
            return False
    return False


def _token(token: str, language: str) -> str:
    if token[0] in "'\"" and len(token) > 1 and language not in _QUOTES_DIFFER:
        return f'"{token[1:-1]}"'
    number = _NUMBER.fullmatch(token)
    if number is None:
        return token
    return number[1] if number[1] else repr(float(number[3]))
