"""Prose with its literals, names, code spans and line labels lifted out, so that a grammar can read the rest as words.

`skeleton(text, names)` gives sentences in which every lifted token stands as a placeholder `‹v3›`: a letter for its
sort and its index in `Sentence.tokens`. Sorts: V literal, W number written as a word, O ordinal, N name, E expression,
L line label. Literals are recognised whole: the `2` in `1234` or inside a string is never a token.
"""

import functools
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ray_app.monologue.evaluate import Unknown, parse_expression, parse_value, show
from ray_app.monologue.words import EMPTY, NUMBERS, ORDINALS, PROSE, SHARED, TOKENS


class Token(NamedTuple):
    """A lifted piece of text. `value` is canonical for V, W and O; the expression's or name's source for E and N."""

    sort: str
    value: str
    start: int
    end: int
    coded: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """`words` holds lower-cased prose and placeholders; `tokens` are its own, as the placeholders number them.

    `start` is where it begins in the text, `marks` where each placeholder begins in `words`. `after_blank`: the first
    sentence of its paragraph.
    """

    words: str
    tokens: tuple[Token, ...]
    marks: tuple[int, ...]
    start: int
    after_blank: bool

    def position(self, at: int) -> int:
        """The position in the text of a position in `words`; of any position in a placeholder, its token's start."""
        index = bisect_right(self.marks, at) - 1
        if index < 0:
            return self.start + at
        token, beyond = self.tokens[index], at - self.marks[index] - len(_mark(index, "v"))
        return token.start if beyond < 0 else token.end + beyond


_FOLLOWS = re.compile(
    r"\s*(?:`?\s*)(?:=|:|->|→|⇒|becomes?\b|is\b|equals?\b|was\b|now\b|starts?\b|stays?\b|remains?\b|goes\b|holds?\b|gets\b|"
    r"never\b|grows\b|rises\b|drops\b|has\b|then\b|ends\b|changes\b|increases\b|decreases\b|takes\b|contains\b|turns\b|must\b|"
    r"evaluates\b|moves\b|does\b|can\b|cannot\b|should\b|needs\b)",
    re.IGNORECASE,
)
_LEADS = re.compile(
    r"\b(?:sets?|setting|updates?|updating|initiali[sz](?:es?|ing)|increments?|(?:stored|saved|kept|put) (?:in|into)|"
    r"(?:appended|added|assigned|pushed) to) $"
)
_MAYBE_LITERAL = re.compile(r"[\[({'\"\d.+-]|[brfuBRFU]{1,2}['\"]|(?:True|False|None|nan|inf)\b|(?:frozen)?set\(")
_ARTICLE = re.compile(r"\bthe $")
_VALUE_FOLLOWS = re.compile(r"\s+(?:-?\d+(?![\w-])|['\"\[{]|True\b|False\b|None\b)")
_SCAN = re.compile(
    r"""
  (?=[`\[A-Za-z_0-9'"({\-−])(?:
    (?P<fence>```)
  | (?P<code>`+[^`\n]+`+)
  | (?P<label>\[L\d+\](?!\()|\b[Ll]ines?\ \#?\d+\b|\bL\d+\b)
  |
  (?P<string>(?<![\w'"])(?:[rbu]{0,2})(?:'''.*?'''|\"\"\".*?\"\"\"|'(?:[^'\\\n]|\\.)*'(?!\w)|"(?:[^"\\\n]|\\.)*"(?!\w)))
  | (?P<ordinal>\b\d+(?:st|nd|rd|th)\b)
  | (?P<number>(?<![\w.])[-−]?(?:0[xXbBoO][0-9a-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?j?)(?![\w]))
  | (?P<empty>\b(?:an?\ |the\ )?empty\ (?:list|string|str|dictionary|dict|set|tuple)\b)
  | (?P<named>(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?=[(\[]))
  | (?P<open>[\[{(])
  | (?P<word>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:['’](?:s|t|re|ve|ll)\b)?)
  )
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {"[": "]", "{": "}", "(": ")"}
_END = re.compile(r"[.;!?](?=\s)|\n")
_BLANK = re.compile(r"[^\S\n]*(?:\n|\Z|```)")


def skeleton(text: str, names: frozenset[str]) -> Iterator[Sentence]:
    """The sentences of a text, in order; bare words count as names only if they are in `names`."""
    sentences = _Sentences(text)
    found = _SCAN.finditer(text)
    while match := next(found, None):
        kind = match.lastgroup or ""
        end = match.end()
        if kind == "word" and _is_plain(match.group(), names):
            continue
        if kind == "fence":
            sentences.prose(match.start())
            close = text.find("```", end)
            end = close + 3 if close >= 0 else len(text)
            sentences.close(end)
            found = _SCAN.finditer(text, end)
            continue
        if kind in ("named", "open"):
            end, lifted = _bracketed(text, match, names)
            found = _SCAN.finditer(text, end)
        else:
            lifted = _sort(kind, match, text, names)
        if lifted is not None:
            sentences.token(Token(lifted[0], lifted[1], match.start(), end, kind == "code"))
    sentences.prose(len(text) - text.endswith((".", ";", "!", "?")))
    sentences.close(len(text))
    yield from sentences.done


def _is_plain(piece: str, names: frozenset[str]) -> bool:
    """Whether a word is surely no token: the quick answer for most words of prose."""
    return piece not in names and "." not in piece and piece.lower() not in TOKENS


def _mark(index: int, sort: str) -> str:
    return f"‹{sort}{index}›"


class _Sentences:
    """Collects prose and tokens, and closes a sentence at each stop and each end of line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.done: list[Sentence] = []
        self._begin(0)
        self._copied = 0
        self._blank = True
        self._stops = _END.finditer(text)
        self._stop = next(self._stops, None)

    def _begin(self, start: int) -> None:
        self._start = start
        self._parts: list[str] = []
        self._length = 0
        self._tokens: list[Token] = []
        self._marks: list[int] = []

    def prose(self, until: int) -> None:
        """The text up to here holds no token."""
        while self._stop is not None and self._stop.start() < until:
            stop, self._stop = self._stop, next(self._stops, None)
            if stop.start() >= self._copied:
                self._copy(stop.start())
                self.close(stop.end())
                if stop.group() == "\n":
                    self._blank = self._blank or _BLANK.match(self.text, stop.end()) is not None
        self._copy(until)

    def _copy(self, until: int) -> None:
        if until > self._copied:
            self._parts.append(self.text[self._copied : until])
            self._length += until - self._copied
            self._copied = until

    def token(self, token: Token) -> None:
        """The text up to the token, and the token."""
        self.prose(token.start)
        mark = _mark(len(self._tokens), token.sort.lower())
        self._marks.append(self._length)
        self._tokens.append(token)
        self._parts.append(mark)
        self._length += len(mark)
        self._copied = token.end

    def close(self, following: int) -> None:
        """The sentence is complete; the next begins at `following`, and what lies between is left out."""
        words = "".join(self._parts)
        if words.strip():
            words = _lowered(words)
            self.done.append(Sentence(words, tuple(self._tokens), tuple(self._marks), self._start, self._blank))
            self._blank = False
        self._copied = following
        self._begin(following)


def _lowered(words: str) -> str:
    """Lower case that keeps every position."""
    lower = words.lower()
    return lower if len(lower) == len(words) else "".join(c.lower() if len(c.lower()) == 1 else c for c in words)


def _sort(kind: str, match: re.Match[str], text: str, names: frozenset[str]) -> tuple[str, str] | None:
    piece = match.group()
    if kind == "code":
        return _coded(piece.strip("`").strip(), names)
    if kind == "label":
        return "L", re.sub(r"\D", "", piece)
    if kind == "number" and _is_list_mark(text, match.start(), match.end()):
        return None
    if kind in ("string", "number"):
        return _literal(piece.replace("−", "-"))
    if kind == "ordinal":
        return "O", re.sub(r"\D", "", piece)
    if kind == "empty":
        return "V", EMPTY[piece.split()[-1]]
    return _word(piece, match, text, names)


def _is_list_mark(text: str, start: int, end: int) -> bool:
    """Whether a number opens a line as "1." or "2)" does in a list."""
    line = text.rfind("\n", 0, start) + 1
    return not text[line:start].strip("#*- ") and bool(re.match(r"[.)](?:\s|$)", text[end : end + 2]))


def _word(piece: str, match: re.Match[str], text: str, names: frozenset[str]) -> tuple[str, str] | None:
    if piece in ("True", "False", "None") or (piece in ("inf", "nan") and piece not in names):
        return "V", piece
    if (
        piece in names
        and piece not in PROSE
        and (piece not in SHARED or _is_variable(piece, match.start(), match.end(), text))
    ):
        return "N", piece
    if "." in piece and piece.split(".")[0] in names and piece not in ("e.g", "i.e"):
        return "E", piece
    low = piece.lower()
    if low in NUMBERS:
        return "W", str(NUMBERS[low])
    return ("O", str(ORDINALS[low])) if low in ORDINALS else None


def _is_variable(piece: str, start: int, end: int, text: str) -> bool:
    """Whether a word that English uses too stands for a variable here: a relation or a value follows, a verb leads."""
    if piece not in ("a", "i") and _LEADS.search(text, max(0, start - 20), start):
        return True
    if _FOLLOWS.match(text, end):
        return True
    return (
        piece != "a" and not _ARTICLE.search(text, max(0, start - 5), start) and bool(_VALUE_FOLLOWS.match(text, end))
    )


_COMPLEX = re.compile(r"\([-+.\w]+j\)")


@functools.lru_cache(maxsize=8_192)
def _literal(piece: str) -> tuple[str, str] | None:
    if piece.isdecimal() and piece.isascii() and (piece[0] != "0" or piece == "0"):
        return "V", piece
    try:
        return "V", show(parse_value(piece))
    except Unknown:
        return None


def _coded(piece: str, names: frozenset[str]) -> tuple[str, str]:
    label = re.fullmatch(r"\[?L(\d+)\]?|[Ll]ine (\d+)", piece)
    if label and piece not in names:
        return "L", label.group(1) or label.group(2)
    if piece.isidentifier() and piece not in ("True", "False", "None"):
        return "N", piece
    return (_literal(piece) if _MAYBE_LITERAL.match(piece) else None) or ("E", piece)


def _bracketed(text: str, match: re.Match[str], names: frozenset[str]) -> tuple[int, tuple[str, str] | None]:
    """The end and the sort of a bracketed literal (`[1, 2]`), or of a call or subscript (`f(2)`, `xs[0]`)."""
    named = match.lastgroup == "named"
    opening = match.end() if named else match.start()
    end = _balanced(text, opening)
    if end is None:
        return match.end(), _word(match.group(), match, text, names) if named else None
    if named:
        while end < len(text) and (chain := re.match(r"(?:\.[A-Za-z_]\w*)?[(\[]", text[end:])):
            further = _balanced(text, end + chain.end() - 1)
            if further is None:
                break
            end = further
        piece = text[match.start() : end]
        found = _literal(piece)
        if found is None:
            try:
                parse_expression(piece)
            except Unknown:
                return match.end(), _word(match.group(), match, text, names)
            found = ("E", piece)
        return end, found
    piece = text[opening:end]
    if text[opening] == "(" and "," not in piece and piece != "()" and not _COMPLEX.fullmatch(piece):
        return opening + 1, None
    found = _literal(piece)
    return (end, found) if found else (opening + 1, None)


def _balanced(text: str, opening: int) -> int | None:
    """The position after the bracket that closes the one at `opening`, quotes respected; None if there is none near."""
    stack: list[str] = []
    position = opening
    limit = min(len(text), opening + 20_000)
    while position < limit:
        character = text[position]
        if character in "'\"" and (
            stack and (position == opening or not text[position - 1].isalnum() or text[position - 1] in "rbuf")
        ):
            close = position + 1
            while close < limit and text[close] != character:
                close += 2 if text[close] == "\\" else 1
            position = close
        elif character in _CLOSING:
            stack.append(_CLOSING[character])
        elif character in ")]}":
            if not stack or stack.pop() != character:
                return None
            if not stack:
                return position + 1
        position += 1
    return None
