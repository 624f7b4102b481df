"""A text as sentences whose literals, names, code and line labels are lifted out, so that a grammar can read the rest.

Every lifted token stands in `Sentence.words` as a placeholder `‹v3›`: its sort and its index in `Sentence.tokens`.
Sorts: v
literal, w number written as a word, o ordinal, n name, e expression, q quoted statement, l line label. Literals are
recognised whole: the `2` in `1234` or inside a string is never a token.
"""

import ast
import builtins
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from ray_app.claims.code import is_shown_object, literal, normal, parsed, shown_tree
from ray_app.claims.words import CONSTANTS, EMPTY, NUMBERS, ORDINALS, PROSE, SHARED, SPOKEN_CONSTANTS


class Token(NamedTuple):
    """`value` is canonical for v, the number for w, o and l, source text for n, e and q; `coded`: it stood in
    backticks."""

    sort: str
    value: str
    start: int
    end: int
    coded: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """`line` is the line of the text it stands on; `indent` that line's; `leads`: it begins its line; `fenced`: it
    is part
    of a code block; `after_blank`: a blank line precedes its line; `heading`: its line is a Markdown heading."""

    words: str
    tokens: tuple[Token, ...]
    start: int
    end: int
    line: int
    indent: int
    leads: bool
    fenced: bool = False
    after_blank: bool = False
    heading: bool = False


_STRING = r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\""
_SCAN = re.compile(
    rf"""
    (?P<stop>\n|[.!?;](?=\s|$|\*|\)))
  | (?P<head>(?<=\]\ )(?:case|except)\b[^\n]*?(?=:\ ))
  |
  (?P<exception>`?\b(?:[A-Z]\w*)?(?:Error|Exception|StopIteration|StopAsyncIteration|Interrupt|SystemExit|Warning|ExceptionGroup)\b(?!\()`?
      (?:(?<=[^`]):\ (?P<message>[^\n]+?)(?=\ again\b|\ leaves\b|\ is\ raised\b|;\ |\.?(?:\n|\Z)|\.\ [A-Z\[]))?)
  | (?P<fence>```)
  | (?P<code>(?P<tick>`+)(?:[^\n]+?)(?P=tick)(?!`))
  | (?P<label>\[L\d+\](?!\()|\[?\b[Ll]ines?\ \#?\d+(?:\s?[-–]\s?\d+)?\]?|\bL\d+\b)
  | (?P<string>(?<![\w'"])[rbuRBU]{{0,2}}(?:'''.*?'''|\"\"\".*?\"\"\"|(?:{_STRING})(?!\w)))
  | (?P<opaque><(?:[a-z]\w*)(?:\ (?:[\w.<>]+))+>)
  | (?P<ordinal>\b\d+(?:st|nd|rd|th)\b)
  | (?P<number>(?<![\w.])[-−]?(?:0[xXbBoO][0-9a-fA-F_]+|\d[\d_]*(?:\.\d+(?:\.\d+)*)?(?:[eE][-+]?\d+)?j?)(?![\w]))
  | (?P<empty>\b(?:an?\ |the\ )?[Ee]mpty\ (?:list|array|string|str|dictionary|dict|set|tuple)\b)
  | (?P<named>(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?=[(\[]))
  | (?P<open>[\[{{(])
  | (?P<word>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:['’](?:s|t|re|ve|ll)\b)?)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPERATOR = re.compile(r"[ ]{0,2}(\+|-|−|\*\*|\*|×|//|/|%|==|!=|<=|>=|<<|>>|<|>|≤|≥|≠|\^|&)[ ]{0,2}(?![->])")
_CLOSE = {"[": "]", "{": "}", "(": ")"}
_CHAIN = re.compile(r"(?:\.[A-Za-z_]\w*)?[(\[]")
_BULLET = re.compile(r"[ \t]*(?:(?:[-*+•>]|\(?\d{1,3}[.)]|#{1,6}|[a-z][.)])[ \t]+)*")
_FOLLOWS = re.compile(
    r"\s*(?:(?:variable|list|string|array|dictionary|dict|counter|tuple)\b|=|:|->|→|[-+*/%<>≤≥]\s?[\w(]|becomes?\b|is\b|equals?\b|was\b|now\b|starts?\b|stays?\b|remains?\b|goes\b|holds?\b|gets\b|never\b|"
    r"grows\b|rises\b|drops\b|has\b|then\b|ends\b|changes\b|increases\b|decreases\b|takes\b|contains\b|turns\b|must\b|"
    r"evaluates\b|moves\b|does\b|can\b|cannot\b|should\b|needs\b|and [a-z]\b|, [a-z],? and)",
    re.IGNORECASE,
)
_LEADS = re.compile(
    r"\b(?:sets?|setting|updates?|updating|initiali[sz](?:es?|ing)|increments?|variables?|parameters?|arguments?|"
    r"(?:append|add|insert|push|remov|pop|stor|sav|kept|put|assign)\w*[^.;\n]{0,25} (?:to|into|from|in)|"
    r"value of|length of|returns|over|\(also|same object as)(?: the| the modified| the updated| the final)? $"
)
_COUNTED = re.compile(r" \d+(?:\.\d+)*:")
_ARTICLE = re.compile(r"\b(?:the|a|an|this|each|every|new|second|first|last) $")
_VALUE_FOLLOWS = re.compile(r"\s+(?:-?\d+(?![\w-])|['\"\[{]|True\b|False\b|None\b)")
_NUMBERED = re.compile(r"(?:iteration|step|pass|visit|line|index|position|case|item|round)s? #?$", re.IGNORECASE)
_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|etc|vs|cf)\.?$")
_EXCEPTION = re.compile(
    r"(?:[A-Z]\w*)?(?:Error|Exception|StopIteration|StopAsyncIteration|Interrupt|SystemExit|Warning|ExceptionGroup)"
)
_LABEL = re.compile(r"\[?(?:L|[Ll]ines? #?)(\d+)(?:\s?[-–]\s?(\d+))?\]?")
_TOP = re.compile(rf"(?:{_STRING})|[\[({{]|[\])}}]| (?:->|→|=) |; |\.?(?:\n|\Z)")
_LEAD = re.compile(
    r"(?:(?:return|yield|captured|global|the|so|then|and|if|elif|while|assert|since|because|also) |[^(\[{]*?\w: )+"
)
_EMPHASIS = re.compile(r"\*+|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)")
_RELATION = re.compile(r",? (?:which |that |it )?(?:is|becomes|is set to|equals|gives|returns) ")
_SPACE = re.compile(r"[ \t]*:?[ \t]*")
_BUILTINS = frozenset(dir(builtins))


_MOST_BRACKETS = 20_000
"""Brackets that are looked at for one text; behind them none opens anything. A text of a person has some hundreds."""
_MOST_TOKENS = 150
"""Tokens in one sentence; one with more is read as two."""


@dataclass(slots=True)
class _Lexer:
    text: str
    names: frozenset[str]
    quoted: Callable[[str], bool]
    phrases: Mapping[str, Sequence[str]]
    done: list[Sentence] = field(default_factory=list[Sentence])
    parts: list[str] = field(default_factory=list[str])
    tokens: list[Token] = field(default_factory=list[Token])
    copied: int = 0
    start: int = 0
    line: int = 0
    indent: int = 0
    leads: bool = True
    fenced: bool = False
    after_blank: bool = True
    heading: bool = False
    arrows: bool = False
    brackets: int = _MOST_BRACKETS

    def run(self) -> list[Sentence]:
        """All sentences of the text."""
        self._begin_line(0)
        position, size = self.copied, len(self.text)
        while position < size:
            if self.arrows and not self.tokens[1:]:
                position = self._clause(position)
            match = _SCAN.search(self.text, position)
            if match is None:
                break
            # most of what is found are words of prose: they are passed over here, without a call
            piece = match.group() if match.lastgroup == "word" else ""
            is_plain = piece.isalpha() and piece not in self.names and piece not in self.phrases
            position = match.end() if is_plain and piece.lower() not in _TOKENS else self._take(match)
        self._close(size, size)
        return self.done

    def _take(self, match: re.Match[str]) -> int:
        """What was found lifted or passed over; where the search goes on."""
        kind, start, end = match.lastgroup or "", match.start(), match.end()
        if kind == "word":
            piece = match.group()
            phrase = self._phrase(piece, start)
            if phrase:
                return self._add(("e", phrase), start, start + len(phrase))
            if piece not in self.names and piece.lower() not in _TOKENS and "." not in piece:
                return end
            return self._add(self._word(piece, start, end), start, end)
        if kind == "stop":
            return self._stop(match.group(), start, end)
        if kind == "fence":
            return self._fence(end)
        if kind in ("named", "open", "string"):
            return self._bracketed(match)
        return self._add(self._sorted(kind, match), start, end, kind == "code")

    # Sentences and lines

    def _stop(self, mark: str, start: int, end: int) -> int:
        if mark != "\n" and _ABBREVIATED.search(self.text, max(0, start - 6), start):
            return end
        self._close(start, end)
        if mark == "\n":
            self._begin_line(end)
        return max(end, self.copied)

    def _begin_line(self, start: int) -> None:
        """A line begins: bullets and heading marks are no part of its first sentence."""
        bullet = _BULLET.match(self.text, start)
        end = bullet.end() if bullet else start
        mark = self.text[start:end]
        self.line += 1
        self.leads = True
        self.indent = len(mark) - len(mark.lstrip(" \t"))
        self.heading = "#" in mark
        self.copied = self.start = end
        stop = self.text.find("\n", end)
        line = self.text[end : stop if stop >= 0 else len(self.text)]
        self.after_blank = self.after_blank or not line.strip()
        self.arrows = " -> " in line and "`" not in line

    def _clause(self, position: int) -> int:
        """Bare code in a line of states (`x * 2 -> 3 * 2 -> 6`): pieces that parse, between arrows, are tokens."""
        start = self.copied
        if self.text[start:position].strip() or (self.parts and not self._only_label()):
            return position
        lead = _SPACE.match(self.text, position)
        position = lead.end() if lead else position
        if self.text.startswith("[", position) and _LABEL.match(self.text, position):
            return position
        for piece_start, piece_end in _pieces(self.text, position):
            piece = self.text[piece_start:piece_end]
            words = _LEAD.match(piece) if not self.tokens[1:] else None
            for begin in (0, words.end() if words else 0)[words is not None and piece.startswith("yield ") :]:
                lifted = self._coded(piece[begin:]) if piece[begin:] else None
                if lifted is not None and lifted[0] in "nev":
                    self._scan(piece_start, piece_start + begin)
                    self._add(lifted, piece_start + begin, piece_end)
                    position = piece_end
                    break
            else:
                return position
        return position

    def _scan(self, position: int, until: int) -> None:
        """The tokens of a stretch of prose."""
        while match := _SCAN.search(self.text, position, until):
            position = self._take(match)

    def _only_label(self) -> bool:
        return [token.sort for token in self.tokens] == ["l"]

    def _fence(self, end: int) -> int:
        """A code block begins or ends; the rest of its own line names the language."""
        self._close(end - 3, end)
        self.fenced = not self.fenced
        stop = self.text.find("\n", end)
        self.copied = self.start = stop if stop >= 0 and self.fenced else end
        return self.copied

    def _close(self, until: int, following: int) -> None:
        self._copy(until)
        words = "".join(self.parts)
        if self.tokens or words.strip():
            self.done.append(
                Sentence(
                    _plain(words),
                    tuple(self.tokens),
                    self.start,
                    until,
                    self.line,
                    self.indent,
                    self.leads,
                    self.fenced,
                    self.after_blank,
                    self.heading,
                )
            )
            self.leads = self.after_blank = False
        self.parts, self.tokens = [], []
        self.copied = self.start = following

    def _copy(self, until: int) -> None:
        if until > self.copied:
            self.parts.append(self.text[self.copied : until])
            self.copied = until

    # Tokens

    def _add(self, lifted: tuple[str, str] | None, start: int, end: int, coded: bool = False) -> int:
        """A token is placed, joined to the one before where an operator stands between them."""
        if lifted is None:
            return end
        if len(self.tokens) >= _MOST_TOKENS:
            self._close(start, start)
        token = Token(lifted[0], lifted[1], start, end, coded)
        if token.sort == "v" and self.text.startswith(" = ", self.copied) and start == self.copied + 3:
            self._put_together()
        joined = self._joined(token) if self.tokens and start - self.copied <= 6 else None
        if joined is not None:
            self.tokens[-1] = joined
            self.parts[-1] = f"‹{joined.sort}{len(self.tokens) - 1}›"
            self.copied = end
            return end
        self._copy(start)
        self.parts.append(f"‹{token.sort}{len(self.tokens)}›")
        self.tokens.append(token)
        self.copied = end
        return end

    def _put_together(self) -> None:
        """What stands between "`code` is" and "= value" is one expression, whatever is in it: `not []`, `'a' in xs`."""
        code = next((token for token in reversed(self.tokens) if token.coded), None)
        relation = _RELATION.match(self.text, code.end) if code is not None else None
        if code is None or relation is None or relation.end() >= self.copied:
            return
        start = relation.end()
        piece = self.text[start : self.copied]
        whole = self.tokens[-1].start <= start and self.tokens[-1].sort == "e"
        if whole or "`" in piece or parsed(piece) is None or literal(piece) is not None:
            return
        del self.tokens[self.tokens.index(code) + 1 :]
        place = self.parts.index(f"‹{code.sort}{len(self.tokens) - 1}›")
        self.parts[place + 1 :] = [self.text[code.end : start], f"‹e{len(self.tokens)}›"]
        self.tokens.append(Token("e", piece, start, self.copied))

    def _joined(self, token: Token) -> Token | None:
        """`3` and `* 2` as the expression `3 * 2`."""
        before = self.tokens[-1]
        if before.end != self.copied or before.sort not in "nev" or token.sort not in "nev":
            return None
        operator = _OPERATOR.fullmatch(self.text, before.end, token.start)
        if operator is None:
            return None
        if operator[1] == "-" and _NUMBERED.search(self.text, max(0, before.start - 12), before.start):
            return None
        piece = f"{before.value} {operator[1].replace('×', '*')} {token.value}"
        return Token("e", piece, before.start, token.end) if parsed(piece) is not None else None

    def _sorted(self, kind: str, match: re.Match[str]) -> tuple[str, str] | None:
        piece = match.group()
        if kind == "code":
            return self._coded(piece.strip("`").strip())
        if kind == "head":
            return "q", piece
        if kind == "exception":
            return "x", piece.replace("`", "")
        if kind == "label":
            return _labelled(piece)
        if kind == "number":
            return _number(piece)
        if kind == "opaque":
            return "v", piece
        if kind == "ordinal":
            return "o", re.sub(r"\D", "", piece)
        return "v", EMPTY[piece.split()[-1]]

    def _coded(self, piece: str) -> tuple[str, str] | None:
        """A piece in backticks: a label, a name, a literal, an expression, or a quoted statement."""
        label = _LABEL.fullmatch(piece)
        if label and piece not in self.names:
            return _labelled(piece)
        if piece.isidentifier() and piece not in CONSTANTS:
            if piece in _BLOCKS:
                return None  # words like any other
            return ("q", piece) if piece in _KEYWORDS else ("x" if _EXCEPTION.fullmatch(piece) else "n", piece)
        found = literal(piece)
        if found is not None:
            return "v", found
        if piece.startswith("yield"):
            piece = f"({piece})"
        node = parsed(piece)
        if node is not None:
            is_value = isinstance(node, ast.Call) and is_shown_object(node) and not self.quoted(piece)
            return ("v", normal(piece)) if is_value else ("e", piece)
        return ("v", piece) if piece.startswith("<") else ("q", piece)  # a shown function, or a statement

    def _phrase(self, piece: str, start: int) -> str:
        """An expression of the program that stands here as it is written there: `ch in s`, `not done`, `a and b`."""
        for phrase in self.phrases.get(piece, ()):
            after = self.text[start + len(phrase) : start + len(phrase) + 1]
            if self.text.startswith(phrase, start) and not (after.isalnum() or after == "_"):
                return phrase
        return ""

    def _word(self, piece: str, start: int, end: int) -> tuple[str, str] | None:
        if piece in CONSTANTS:
            return "v", piece
        if piece in self.names and piece not in PROSE and (piece not in SHARED or self._is_variable(piece, start, end)):
            return "n", piece
        if "." in piece:
            return ("e", piece) if piece.split(".")[0] in self.names and parsed(piece) is not None else None
        low = piece.lower()
        if low in NUMBERS:
            return "w", str(NUMBERS[low])
        return ("o", str(ORDINALS[low])) if low in ORDINALS else None

    def _is_variable(self, piece: str, start: int, end: int) -> bool:
        """Whether a word that English uses too stands for a variable here: a relation or a value follows, a verb
        leads."""
        if _COUNTED.match(self.text, end):
            return False
        if piece not in ("a", "i") and _LEADS.search(self.text, max(0, start - 44), start):
            return True
        if _FOLLOWS.match(self.text, end):
            return piece != "a" or self.text[end : end + 4].strip()[:1] in ("=", ":", "-", "→", "i", "b")
        unled = not _ARTICLE.search(self.text, max(0, start - 7), start)
        return piece != "a" and unled and bool(_VALUE_FOLLOWS.match(self.text, end))

    def _balanced(self, opening: int) -> int | None:
        """The position after the bracket that closes the one at `opening`, None where there is none near."""
        if self.brackets <= 0:
            return None
        end, seen = balanced(self.text, opening)
        self.brackets -= seen
        return end

    def _bracketed(self, match: re.Match[str]) -> int:
        """A bracketed literal (`[1, 2]`), a call or subscript (`f(2)`, `xs[0]`), a method of a literal, `(a + b)`."""
        kind, start, end = match.lastgroup, match.start(), match.end()
        head = match.group()
        if self.text.startswith("()", start) and self.text[start - 1 : start].isalnum():
            return end + 1  # of "strip()", a word
        if kind == "named":
            root = head.split(".")[0]
            if root not in self.names and root not in _BUILTINS and not root[:1].isupper() and root not in _SHOWN_ROOTS:
                return self._add(self._word(head, start, end), start, end)
        if kind != "string":
            closed = self._balanced(end if kind == "named" else start)
            if closed is None:
                return self._add(self._word(head, start, end), start, end) if kind == "named" else end
            end = closed
        while chain := _CHAIN.match(self.text, end):
            further = self._balanced(chain.end() - 1)
            if further is None:
                break
            end = further
        piece = self.text[start:end]
        lifted = self._expression(piece, kind)
        if lifted is None:
            return (
                self._add(self._word(head, start, match.end()), start, match.end()) if kind == "named" else match.end()
            )
        return self._add(lifted, start, end)

    def _expression(self, piece: str, kind: str | None) -> tuple[str, str] | None:
        if kind == "named" and piece.endswith("(s)"):
            return None
        if kind == "open" and piece[0] == "(" and "," not in piece and literal(piece[1:-1]) is not None:
            return None  # "(5)": the number is a token by itself
        found = literal(piece)
        if found is not None:
            return "v", found
        node = parsed(piece)
        if node is None and "<" in piece and (tree := shown_tree(piece)) is not None and is_shown_object(tree):
            return "v", normal(piece)
        if node is None:
            return None
        if kind == "open" and is_shown_object(node):
            return "v", normal(piece)
        if kind == "open" and (isinstance(node, ast.Name) or not self._is_of_the_program(node)):
            return None
        return ("v", normal(piece)) if isinstance(node, ast.Call) and is_shown_object(node) else ("e", piece)

    def _is_of_the_program(self, node: ast.expr) -> bool:
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        bound = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        return all(name in self.names or name in _BUILTINS or name in bound for name in names)


_TOKENS = frozenset([*NUMBERS, *ORDINALS, *SPOKEN_CONSTANTS, "none"])
_KEYWORDS = frozenset(
    ["break", "continue", "pass", "return", "else", "try", "raise", "yield", "if", "for", "while", "del"]
)
_BLOCKS = frozenset(["if", "else", "try", "finally"])
_SHOWN_ROOTS = frozenset(
    ["deque", "dict_items", "dict_keys", "dict_values", "datetime", "collections", "decimal", "fractions"]
)


def _labelled(piece: str) -> tuple[str, str]:
    label = _LABEL.fullmatch(piece)
    if label is None:
        return "l", re.sub(r"\D", "", piece)
    return "l", f"{label[1]}-{label[2]}" if label[2] else label[1]


def _number(piece: str) -> tuple[str, str] | None:
    piece = piece.replace("−", "-")
    if piece.count(".") > 1:
        return None
    if "." in piece and piece.replace(".", "").isdigit() and piece.endswith("."):
        return None
    found = literal(piece)
    return ("v", found) if found is not None else None


def _plain(words: str) -> str:
    """Lower case, single spaces, no emphasis."""
    if "*" in words or "_" in words:
        words = _EMPHASIS.sub("", words)
    return " ".join(words.lower().split())


def balanced(text: str, opening: int) -> tuple[int | None, int]:
    """The position after the bracket that closes the one at `opening`, quotes respected, None if there is none near;
    and how many marks were looked at."""
    stack: list[str] = []
    seen = 0
    for match in _BRACKETS.finditer(text, opening, min(len(text), opening + 20_000)):
        mark = match.group()
        seen += 1
        if mark in _CLOSE:
            stack.append(_CLOSE[mark])
        elif mark in (")", "]", "}"):
            if not stack or stack.pop() != mark:
                break
            if not stack:
                return match.end(), seen
        elif mark == "\n\n":
            break
    return None, seen


_BRACKETS = re.compile(rf"(?:{_STRING})|[\[\](){{}}]|\n\n")


def _pieces(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Where the pieces between arrows lie, up to the end of the clause; nothing where it has none."""
    depth, begin, found = 0, start, list[tuple[int, int]]()
    for match in _TOP.finditer(text, start):
        mark = match.group()
        if mark in "[({":
            depth += 1
        elif mark in ")]}" and mark:
            depth -= 1
        elif depth == 0 and mark[:1] not in ("'", '"'):
            found.append((begin, match.start()))
            begin = match.end()
            if mark[:1] != " ":
                break
    return iter(found if len(found) > 1 else ())


def sentences(
    text: str,
    names: frozenset[str],
    quoted: Callable[[str], bool] | None = None,
    phrases: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> list[Sentence]:
    """The sentences of a text, in order; plain words count as names only if they are in `names`; `quoted` says whether
    a piece is a statement of the program; `phrases` are expressions of it in plain words, by their first one."""
    return _Lexer(text, names, quoted or (lambda _: False), phrases).run()


def placeholders(words: str) -> Iterator[re.Match[str]]:
    """The placeholders in words, in order."""
    return _PLACEHOLDER.finditer(words)


_PLACEHOLDER = re.compile(r"‹([a-z])(\d+)›")
