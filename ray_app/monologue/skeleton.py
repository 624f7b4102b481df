"""Prose with its literals, names, code spans and line labels lifted out, so that a grammar can read the rest as words.

`skeleton(text, names)` gives sentences in which every lifted token stands as a placeholder `‹v3›`: a letter for its
sort and its index in `Sentence.tokens`. Sorts: V literal, W number written as a word, O ordinal, N name, E expression,
L line label. Literals are recognised whole: the `2` in `1234` or inside a string is never a token.
"""

import ast
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

from ray_app.monologue.evaluate import Unknown, literal, parse_expression, show


@dataclass(frozen=True, slots=True)
class Token:
    """A lifted piece of text. `value` is canonical for V, W and O; the expression's or name's source for E and N."""

    sort: str
    value: str
    start: int
    end: int
    coded: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """`words` holds lower-cased prose and placeholders; `offsets` maps each of its positions to the text.

    `tokens` are those of the whole text. `opens_line`: the first sentence of its line; `after_blank`: of its paragraph.
    """

    words: str
    tokens: tuple[Token, ...]
    opens_line: bool
    after_blank: bool
    offsets: tuple[int, ...]


_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_NUMBERS = {
    word: number
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
}
_ORDINALS = {
    word: number
    for number, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
        ],
        1,
    )
}
_EMPTY = {"list": "[]", "string": "''", "str": "''", "dict": "{}", "dictionary": "{}", "set": "set()", "tuple": "()"}
# Words that grammar and programs share: a bare one is a variable only where a relation follows it.
_SHARED = frozenset(
    [
        "a",
        "i",
        "value",
        "result",
        "output",
        "answer",
        "count",
        "list",
        "string",
        "text",
        "index",
        "loop",
        "iteration",
        "condition",
        "test",
        "call",
        "returns",
        "return",
        "character",
        "char",
        "element",
        "item",
        "number",
        "sum",
        "total",
        "line",
        "lines",
        "length",
        "set",
        "dict",
        "tuple",
        "key",
        "keys",
        "values",
        "of",
        "to",
        "the",
        "in",
        "is",
        "as",
        "it",
        "and",
        "or",
        "not",
        "for",
        "if",
        "else",
        "at",
        "from",
        "by",
        "with",
        "on",
        "first",
        "last",
        "second",
        "new",
        "now",
        "word",
        "words",
        "name",
        "names",
        "step",
        "steps",
        "times",
        "left",
        "right",
        "start",
        "end",
        "max",
        "min",
        "pass",
        "branch",
        "body",
        "check",
        "range",
        "print",
        "input",
        "data",
        "that",
        "this",
        "which",
        "both",
        "each",
        "every",
        "function",
        "all",
        "any",
        "position",
        "letter",
        "digit",
        "type",
        "size",
        "limit",
        "final",
        "next",
        "current",
        "previous",
        "one",
        "two",
        "three",
    ]
)
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
_VALUE_FOLLOWS = re.compile(r"\s+(?:-?\d+(?![\w-])|['\"\[{]|True\b|False\b|None\b)")
_SCAN = re.compile(
    r"""
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
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {"[": "]", "{": "}", "(": ")"}
_END = re.compile(r"[.;!?](?=\s|$)|\n")


def skeleton(text: str, names: frozenset[str]) -> Iterator[Sentence]:
    """The sentences of a text, in order; bare words count as names only if they are in `names`."""
    words, lifted, offsets = _lift(text, names)
    tokens = tuple(lifted)
    start, blank, first = 0, True, True
    for match in [*_END.finditer(words), None]:
        stop = match.start() if match else len(words)
        end = match.end() if match else len(words)
        piece = words[start:stop]
        if piece.strip():
            yield Sentence(piece.translate(_LOWER), tokens, first, blank, tuple(offsets[start : stop + 1]))
            blank = first = False
        if match and match.group() == "\n":
            following = words[end : words.find("\n", end) if words.find("\n", end) >= 0 else len(words)]
            blank = blank or not following.strip()
            first = True
        start = end


def _lift(text: str, names: frozenset[str]) -> tuple[str, list[Token], list[int]]:
    """The text with placeholders, its tokens, and for each position of the result the position in the text."""
    parts: list[str] = []
    offsets: list[int] = []
    tokens: list[Token] = []
    position = 0

    def copy(until: int) -> None:
        nonlocal position
        parts.append(text[position:until])
        offsets.extend(range(position, until))
        position = until

    while match := _SCAN.search(text, position):
        kind = match.lastgroup or ""
        end = match.end()
        found: tuple[str, str] | None = None
        if kind == "fence":
            copy(match.start())
            close = text.find("```", end)
            position = close + 3 if close >= 0 else len(text)
            continue
        if kind in ("named", "open"):
            end, found = _bracketed(text, match, names)
        else:
            found = _sort(kind, match, text, names)
        if found is None:
            copy(max(end, match.start() + 1))
            continue
        copy(match.start())
        mark = f"‹{found[0].lower()}{len(tokens)}›"
        tokens.append(Token(found[0], found[1], match.start(), end, kind == "code"))
        parts.append(mark)
        offsets.extend([match.start()] * len(mark))
        position = end
    copy(len(text))
    offsets.append(len(text))
    return "".join(parts), tokens, offsets


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
        return "V", _EMPTY[piece.split()[-1]]
    return _word(piece, match, text, names)


def _is_list_mark(text: str, start: int, end: int) -> bool:
    """Whether a number opens a line as "1." or "2)" does in a list."""
    line = text.rfind("\n", 0, start) + 1
    return not text[line:start].strip("#*- ") and bool(re.match(r"[.)](?:\s|$)", text[end : end + 2]))


def _word(piece: str, match: re.Match[str], text: str, names: frozenset[str]) -> tuple[str, str] | None:
    if piece in ("True", "False", "None") or (piece in ("inf", "nan") and piece not in names):
        return "V", piece
    if piece in names and (piece not in _SHARED or _is_variable(piece, match.start(), match.end(), text)):
        return "N", piece
    if "." in piece and piece.split(".")[0] in names and piece not in ("e.g", "i.e"):
        return "E", piece
    low = piece.lower()
    if low in _NUMBERS:
        return "W", str(_NUMBERS[low])
    return ("O", str(_ORDINALS[low])) if low in _ORDINALS else None


def _is_variable(piece: str, start: int, end: int, text: str) -> bool:
    """Whether a word that English uses too stands for a variable here: a relation or a value follows, a verb leads."""
    if piece not in ("a", "i") and _LEADS.search(text, max(0, start - 20), start):
        return True
    return bool(_FOLLOWS.match(text, end) or (piece != "a" and _VALUE_FOLLOWS.match(text, end)))


def _literal(piece: str) -> tuple[str, str] | None:
    try:
        return "V", show(literal(ast.parse(piece, mode="eval").body))
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None


def _coded(piece: str, names: frozenset[str]) -> tuple[str, str]:
    label = re.fullmatch(r"\[?L(\d+)\]?|[Ll]ine (\d+)", piece)
    if label:
        return "L", label.group(1) or label.group(2)
    if piece.isidentifier() and piece not in ("True", "False", "None"):
        return "N", piece
    return _literal(piece) or ("E", piece)


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
    if text[opening] == "(" and "," not in piece and piece != "()":
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
