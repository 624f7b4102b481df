# ruff: noqa: E501
"""What the words of a sentence can hold, apart from its tokens: found once for all sentences of the same words.

Sentences of one author differ in their tokens far more than in their words, so everything here is remembered by the words.
"""

import functools
import re
from dataclasses import dataclass

from ray_app.claims.clauses import Clause, clauses
from ray_app.claims.grammar import NOUNS
from ray_app.claims.lexer import Token, placeholders
from ray_app.claims.table import TABLE, Entry, operand


@dataclass(frozen=True, slots=True)
class Hit:
    """A pattern of the table found in the words, and the numbers of the tokens in it."""

    entry: Entry
    match: re.Match[str]
    hint: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A phrase that names an expression: a token made of others."""

    template: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Anchor:
    """An iteration spoken of: the token of its number (-1: none), or a word; the token of its loop's line (-1: none)."""

    number: int
    word: str
    line: int
    start: int
    leads: bool
    inner: bool | None
    is_comprehension: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """`hits` in the order of the words; `labels` are line labels that no hit and no anchor has; `asserts`: nothing in it is
    hypothetical or general."""

    words: str
    named: tuple[Named, ...]
    hits: tuple[Hit, ...]
    anchors: tuple[Anchor, ...]
    labels: tuple[tuple[int, int], ...]
    visit: int
    unclaimed: tuple[int, ...]
    mentioned: tuple[int, ...]
    clauses: tuple[Clause, ...]
    asserts: bool
    concludes: bool
    jumps: bool

    def tokens(self, own: tuple[Token, ...]) -> tuple[Token, ...]:
        """A sentence's tokens, and those that its phrases name."""
        if not self.named:
            return own
        made = list(own)
        for phrase in self.named:
            parts = [made[number] for number in phrase.tokens]
            piece = phrase.template.format(*map(_part, parts))
            sort = "n" if phrase.template == "{0}" and parts[0].sort == "n" else "e"
            start, end = min(part.start for part in parts), max(part.end for part in parts)
            made.append(Token(sort, piece, start, end))
        return tuple(made)


def _part(token: Token) -> str:
    """A token in a phrase; of an ordinal the index that it means."""
    return str(int(token.value) - 1) if token.sort == "o" else operand(token)


_LOOP = r"(?:(?: of| in)?(?: the)?(?P<which> inner| outer)?(?: for| while)? loop(?: (?:on|at|in|of) ‹l(?P<l>\d+)›)?)?"
_ITERATIONS = (
    re.compile(
        rf"(?P<comp>comprehension |generator )?\b(?:iteration|pass|round|trip|turn) (?:number |no\.? |#)?‹[vw](?P<v>\d+)›(?: of ‹[vw]\d+›)?{_LOOP}"
    ),
    re.compile(r"^(?P<comp>item) ‹[vw](?P<v>\d+)›(?=:)"),
    re.compile(
        rf"‹o(?P<v>\d+)›(?: and (?:last|final|only))? (?:iteration|pass|round|trip|turn|time round|time through|time around){_LOOP}"
    ),
    re.compile(rf"\b(?:the |in |on )(?P<word>last|final|only) (?:iteration|pass|round|trip){_LOOP}"),
    re.compile(
        r"\b(?:after|once|when) (?:the|this|all|that)(?: ‹[vw]\d+›)?(?P<which> inner| outer)? (?:for |while |whole |entire )?(?P<word>loop|iterations|passes)\b(?: (?:on|at) ‹l(?P<l>\d+)›)?(?! on| over| runs)(?: has| have| is| are)?(?: ended| finished| over| done| completed| terminated| ends| finishes| completes)?"
    ),
    re.compile(
        r"\b(?:after|for|with|on|at|processing|handling|the) (?:the |its )?‹o(?P<v>\d+)› (?P<item>character|char|letter|element|item|word|entry|digit|part|name|key|pair|number|string|value|key-value pair|tuple|line)\b(?! of| in| argument| parameter)"
    ),
)
_VISIT = re.compile(r"(?:\(?visit ‹v(?P<v>\d+)›\)?|for the ‹o(?P<o>\d+)› time)")
_HYPOTHETICAL = re.compile(
    r"\b(?:would|suppose|supposing|hypothetically|had it been|were it|imagine|could have|might|may be|for example|e\.g\.|such as|whenever|in general|unless)\b|"
    r"(?<!as )\bif\b(?! (?:branch|block|body|clause|statement|condition|part|arm|side|test|path|expression)| ‹e\d+› (?:is (?:true|false|met|satisfied)|holds))"
)
_ASKS = re.compile(
    r"\b(?:checks?|checking|checked|tests?|testing|to see|determines?|verif(?:y|ies)|sees?|asks?|decides?|compares?|whether|find out|look(?:s|ing)?) (?:again )?(?:if|whether|for whether|that)\b[^,;.]*(?:, (?:which|and) (?:it )?(?=(?:is|does|are)\b))?"
)
_UNTIL = re.compile(r"\b(?:until|while (?!the|loop)|as long as|so long as|in order to|so that)\b[^,;]*")
_CONCLUDES = re.compile(
    r"\b(?:finally|in the end|at the end|in total|overall|in summary|to sum up|therefore|as a result|final|conclusion)\b|^so\b|^thus\b"
)
_JUMPS = re.compile(
    r"\b(?:previously|earlier|before|as seen|recall|was|were|had|already|will|later|again|now|initially|originally)\b"
)


_LEADING = re.compile(r"‹l0›(?! (?:runs|is|never|executes|ran|are|was|does|gets)\b):?,? ?")
_STOPS = [pattern for entry in TABLE if entry.kind == "stop" for pattern, _ in entry.patterns]


@functools.lru_cache(maxsize=32_768)
def shape(words: str) -> Shape:
    """The shape of a sentence's words."""
    count = sum(1 for _ in placeholders(words))
    lead = _LEADING.match(words)
    words = words[lead.end() :] if lead else words
    words, named = _with_phrases(words, count)
    silent = [match.span() for found in (_ASKS, _UNTIL) for match in found.finditer(words)]
    anchors = _anchors(words, [match.span() for pattern in _STOPS for match in pattern.finditer(words)])
    taken = [span for span, _ in anchors]
    hits = _hits(words, silent, [span for span, anchor in anchors if not anchor.leads])
    taken += [hit.match.span() for hit in hits]
    labels: list[tuple[int, int]] = [(0, 0)] if lead else []
    unclaimed: list[int] = []
    for place in placeholders(words):
        sort, number, at = place[1], int(place[2]), place.start()
        is_free = not any(low <= at < high for low, high in taken)
        if sort == "l" and is_free:
            labels.append((number, at))
        elif sort in "vw" and is_free and not any(low <= at < high for low, high in silent):
            unclaimed.append(number)
    visit = _VISIT.search(words)
    return Shape(
        words,
        named,
        tuple(sorted(hits, key=lambda hit: hit.match.start())),
        tuple(anchor for _, anchor in anchors),
        tuple(labels),
        int(visit["v"] or visit["o"]) if visit else -1,
        tuple(unclaimed),
        tuple(number for number in unclaimed if _is_mentioned(words, number)),
        clauses(words),
        _HYPOTHETICAL.search(_ASKS.sub("", words)) is None,
        _CONCLUDES.search(words) is not None,
        _JUMPS.search(words) is not None,
    )


_MENTIONS = (
    r"(?:\b(?:into|as|to form|namely|that is|i\.e\.|is|are|becomes?|gives?|giving|returns?|equals?|get|gets|get:|resulting in|results in|"
    r"list|string|array|dictionary|tuple|value|values|element|elements|characters?|substrings?|words?|parts?)|[:=(>→—-])[:,]?"
    r"(?: (?:the|a|an|new|resulting|list|string|array|dictionary|of|value|byte|bytes))*[ (]*"
)


def _is_mentioned(words: str, number: int) -> bool:
    """Whether the words before a value say that something is or becomes it."""
    return re.search(rf"{_MENTIONS}‹v{number}›", words) is not None and _DENIES.search(words) is None


_DENIES = re.compile(r"\b(?:not|no|without|never|like|than|unlike|instead of|other|neither)\b|n't\b")


def _with_phrases(words: str, count: int) -> tuple[str, tuple[Named, ...]]:
    """The words with phrases such as "the length of ‹n0›" as tokens of their own."""
    named: list[Named] = []
    if " of " not in words and " in " not in words:
        return words, ()
    for pattern, template in NOUNS:
        while match := pattern.search(words):
            numbers = tuple(int(group[2:-1]) for group in match.groups())
            named.append(Named(template, numbers))
            mark = f"‹{'n' if template == '{0}' and '‹n' in match[0] else 'e'}{count + len(named) - 1}›"
            words = words[: match.start()] + mark + words[match.end() :]
    return words, tuple(named)


def _hits(words: str, silent: list[tuple[int, int]], taken: list[tuple[int, int]]) -> list[Hit]:
    """What the table finds, an earlier pattern before a later one, outside of the silent stretches."""
    found: list[Hit] = []
    blocked = [*silent, *taken]
    if "‹" not in words and not _WORDY.search(words):
        return found
    for entry in TABLE:
        if entry.kind == "does":  # that something is asked is a deed too
            blocked = [span for span in blocked if span not in silent]
        for pattern, hint in entry.patterns:
            position = 0
            while match := pattern.search(words, position):
                start, end = match.span()
                clash = next((high for low, high in blocked if start < high and low < end), None)
                if clash is not None:
                    position = max(start + 1, clash if clash > start else start + 1)
                    continue
                tokens = tuple(int(place[2]) for place in placeholders(match.group()))
                found.append(Hit(entry, match, hint, tokens))
                blocked.append((start, end))
                position = max(end, start + 1)
    return found


_WORDY = re.compile(
    r"\b(?:returns?|(?:append|add|iterat|stor|assign|initiali|creat|check|break|continu|updat|increment|decrement|remov|comput|calculat)\w*|"
    r"next|method|function|loop|condition|branch|block|true|false|exception|guard|check|test|left out|kept|assertion|statement|caught|finally)\b"
)


def _anchors(words: str, taken: list[tuple[int, int]]) -> list[tuple[tuple[int, int], Anchor]]:
    """The iterations spoken of, but for those that belong to what `break` and `continue` do."""
    found: list[tuple[tuple[int, int], Anchor]] = []
    for pattern in _ITERATIONS:
        for match in pattern.finditer(words):
            span = match.span()
            if any(span[0] < high and low < span[1] for low, high in [*taken, *(other for other, _ in found)]):
                continue
            groups = match.groupdict()
            which = (groups.get("which") or "").strip()
            anchor = Anchor(
                int(groups.get("v") or -1),
                (groups.get("word") or groups.get("item") or ""),
                int(groups.get("l") or -1),
                span[0],
                bool(re.fullmatch(r"(?:‹l\d+›:?,? ?)?(?:in |on |at |so |for |, )?(?:the )?", words[: span[0]])),
                {"inner": True, "outer": False}.get(which),
                bool(groups.get("comp")),
            )
            found.append((span, anchor))
    return sorted(found, key=lambda item: item[0])
