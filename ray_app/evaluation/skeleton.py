"""The outline of a text in which values stand bare and code in backquotes, for patterns that must not look inside them.

An outline has the length of its text, so that what is found in it lies at the same place in the text. Quoted code
becomes `CODE` characters, strings and bracketed values `VALUE` characters, line labels `LABEL` characters; the rest
stays. "`x[0]` is 'a' + ['b'] = 7" becomes "cccccc is vvv + vvvvv = 7", with characters that no text holds.
"""

import re

CODE, VALUE, LABEL = "\ue000", "\ue001", "\ue002"
_LABEL = re.compile(r"\[L\d+\]")
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_STRING = re.compile(r"(?<![A-Za-z0-9_])[bBrR]{0,2}(?:'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\")")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def outline(text: str) -> str:
    """The text's outline. A bracket that never closes, and an apostrophe within a word, are ordinary characters."""
    made: list[str] = []
    at = 0
    while at < len(text):
        end, sign = _piece(text, at)
        made.append(sign * (end - at) if sign else text[at:end])
        at = end
    return "".join(made)


def _piece(text: str, at: int) -> tuple[int, str]:
    """Where the piece that begins here ends, and its sign ("": it stays as it is)."""
    for pattern, sign in ((_LABEL, LABEL), (_CODE, CODE), (_STRING, VALUE)):
        if (found := pattern.match(text, at)) is not None:
            return found.end(), sign
    if text[at] in _CLOSING and (end := _closed(text, at)):
        return end, VALUE
    return at + 1, ""


def _closed(text: str, at: int) -> int:
    """The place behind the bracket that closes the one here; 0 where none does on this line."""
    wanted: list[str] = []
    while at < len(text) and text[at] != "\n":
        string = _STRING.match(text, at)
        if string is not None:
            at = string.end()
            continue
        if text[at] in _CLOSING:
            wanted.append(_CLOSING[text[at]])
        elif text[at] == wanted[-1]:
            wanted.pop()
        at += 1
        if not wanted:
            return at
    return 0
