"""The grammar of checkable claims: `parse(text, names)` finds them in narrated and in free prose.

A claim says what it is about (`subject`), what it asserts (`value`, canonical), how (`how`), and where: the line, the
visit and the iterations that the text places it in. Parsing never looks at a trace and decides nothing about truth.
What is not recognised is never guessed: every literal outside a claim is listed as unchecked.

Kinds: value, expression, element, length (as expression), branch, skip, count, visits, iteration, call, return,
exception, added, removed, sequence, unchanged, invariant, line, code, constraint, answer.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ray_app.monologue.claim import Anchor, Claim, Claims
from ray_app.monologue.evaluate import Unknown, evaluate, parse_expression, show
from ray_app.monologue.grammar import (
    AFTER_LOOP,
    ANSWER,
    ASSERT,
    HYPOTHETICAL,
    ITERATION,
    LOOP_LINE,
    PATTERNS,
    PREDICATES,
    RELATIONS,
    REQUIRED,
    VISIT,
    WORD_TIMES,
)
from ray_app.monologue.skeleton import Sentence, Token, skeleton
from ray_app.monologue.tables import tables as read_tables


@dataclass(frozen=True, slots=True)
class _Found:
    kind: str
    subject: str
    value: str
    how: str = "state"


def parse(text: str, names: frozenset[str] = frozenset()) -> Claims:
    """The claims of a text. `names`: the program's names, by which a variable is known without backticks."""
    answer, body = _answer(text)
    tables, body = read_tables(body)
    found, unchecked = _prose(body, names)
    claims = sorted([*found, *tables], key=lambda claim: (claim.start, claim.end))
    renumbered = _sentences(claims)
    originals = [replace(claim, text=text[claim.start : claim.end].strip()) for claim in renumbered]
    return Claims(tuple(originals), tuple(unchecked), answer)


def _sentences(claims: list[Claim]) -> list[Claim]:
    """Table rows get sentence numbers of their own, after those of prose, without disturbing the order."""
    order = {sentence: number for number, sentence in enumerate(dict.fromkeys(claim.sentence for claim in claims))}
    return [replace(claim, sentence=order[claim.sentence]) for claim in claims]


def _answer(text: str) -> tuple[str, str]:
    """The code of the final answer (the last one), and the text with every answer blanked out."""
    matches = list(ANSWER.finditer(text)) or list(ASSERT.finditer(text))
    body = text
    for match in matches:
        body = body[: match.start()] + re.sub(r"[^\n]", " ", match.group()) + body[match.end() :]
    return (matches[-1].group(1).strip("`\n ") if matches else ""), body


def _prose(body: str, names: frozenset[str]) -> tuple[list[Claim], list[str]]:
    claims: list[Claim] = []
    used: set[int] = set()
    tokens: tuple[Token, ...] = ()
    stack: tuple[Anchor, ...] = ()
    for number, sentence in enumerate(skeleton(body, names)):
        tokens = sentence.tokens
        reader = _Reader(sentence, number, () if sentence.after_blank else stack)
        claims += reader.read()
        used |= reader.used
        stack = reader.stack
    unchecked = [
        body[token.start : token.end]
        for index, token in enumerate(tokens)
        if index not in used and (token.sort == "V" or (token.sort == "E" and _has_literal(token.value)))
    ]
    return claims, unchecked


def _has_literal(expression: str) -> bool:
    return bool(re.search(r"\d|['\"]", expression))


class _Reader:
    """Reads one sentence: markers of place first, then claims from the most specific pattern to the most general."""

    def __init__(self, sentence: Sentence, number: int, stack: tuple[Anchor, ...]) -> None:
        self.sentence = sentence
        self.number = number
        self.stack = stack
        self.used: set[int] = set()
        self._taken: list[tuple[int, int]] = []
        self._markers: list[tuple[int, tuple[Anchor, ...]]] = [(0, stack)]
        self._labels: list[tuple[int, int]] = []
        self._visits: list[tuple[int, int]] = []

    def read(self) -> list[Claim]:
        words = self.sentence.words
        if "‹" not in words and "loop" not in words and "branch" not in words:
            if AFTER_LOOP.search(words):
                self.stack = ()
            return []
        markers = self._iterations()
        found = [*markers, *self._hits()]
        if HYPOTHETICAL.search(words):
            return []
        self._place_labels(found)
        claims = [self._claim(kind, hit, low, high) for kind, hit, low, high in found]
        if any(kind == "call" for kind, *_ in found):
            self.stack = ()
        claims += self._lines_and_code()
        return claims

    def _iterations(self) -> list[tuple[str, _Found, int, int]]:
        hits: list[tuple[str, _Found, int, int]] = []
        words = self.sentence.words
        for match in AFTER_LOOP.finditer(words):
            self._markers.append((match.start(), ()))
            self.stack = ()
        for match in ITERATION.finditer(words):
            count = self._group(match, "v") or self._group(match, "o") or "-1"
            line = LOOP_LINE.search(words, match.end(), match.end() + 40)
            loop = int(self._token(line.group(1)).value) if line else None
            if line is not None:
                self.used.add(int(line.group(1)))
                self._taken.append((line.start(), line.end()))
            self.stack = _push(self.stack if loop is not None else (), (loop, int(count)))
            self._markers.append((match.start(), self.stack))
            self._taken.append((match.start(), match.end()))
            self.used |= {int(index) for index in re.findall(r"‹[a-z](\d+)›", match.group())}
            hits.append(("iteration", _Found("iteration", str(loop or ""), count), match.start(), match.end()))
            if self._group(match, "of"):
                total = _Found("count", str(loop or ""), self._group(match, "of"))
                hits.append(("count", total, match.start(), match.end()))
        for match in VISIT.finditer(words):
            value = self._group(match, "v") or self._group(match, "o")
            self._visits.append((match.start(), int(value)))
        return hits

    def _hits(self) -> Iterator[tuple[str, _Found, int, int]]:
        words = self.sentence.words
        for kind, regex, how in PATTERNS:
            position = 0
            while match := regex.search(words, position):
                position = match.start() + 1
                if any(match.start() < high and low < match.end() for low, high in self._taken):
                    continue
                hits = _BUILDERS[kind](self, match, how)
                if not hits:
                    continue
                self._taken.append((match.start(), match.end()))
                self.used |= {int(index) for index in re.findall(r"‹[a-z](\d+)›", match.group())}
                position = match.end()
                for hit in hits:
                    yield hit.kind, hit, match.start(), match.end()

    def _place_labels(self, found: list[tuple[str, _Found, int, int]]) -> None:
        spoken_for = [
            (low, high) for kind, _hit, low, high in found if kind in ("skip", "next", "visits", "count", "iteration")
        ]
        spoken_for += self._taken_loops()
        for match in re.finditer(r"‹l(\d+)›", self.sentence.words):
            if not any(low <= match.start() < high for low, high in spoken_for):
                self._labels.append((match.start(), int(self._token(match.group(1)).value)))

    def _taken_loops(self) -> list[tuple[int, int]]:
        return [(match.start(), match.end()) for match in LOOP_LINE.finditer(self.sentence.words)]

    def _claim(self, kind: str, hit: _Found, low: int, high: int) -> Claim:
        start, end = self._span(low, high)
        line = hit.subject if kind in ("skip", "next", "visits") else ""
        return Claim(
            hit.kind,
            start,
            end,
            "",
            hit.subject,
            hit.value,
            hit.how,
            self._label_at(low, high) if not line or kind in ("skip", "next") else int(line),
            _nearest(self._visits, low) or 0,
            self._anchors_at(low) if kind != "iteration" else self._anchors_at(low + 1),
            self.number,
            bool(REQUIRED.search(self.sentence.words)),
        )

    def _label_at(self, low: int, high: int) -> int:
        """The label inside the claim, else the nearest before it, else the first after it in the sentence."""
        return _nearest([item for item in self._labels if item[0] < high], high) or next(
            (line for _, line in self._labels), 0
        )

    def _anchors_at(self, position: int) -> tuple[Anchor, ...]:
        ordered = sorted(self._markers, key=lambda item: item[0])
        before = [anchors for at, anchors in ordered if at <= position]
        if len(before) == 1 and len(ordered) > 1 and not before[0]:
            return ordered[1][1]
        return before[-1]

    def _lines_and_code(self) -> list[Claim]:
        claims: list[Claim] = []
        for at, line in self._labels:
            start, end = self._span(at, self.sentence.words.index("›", at) + 1)
            visit = _nearest([item for item in self._visits if item[0] >= at][:1], at + 10_000) or 0
            claims.append(
                Claim("line", start, end, "", str(line), "", "state", line, visit, self._anchors_at(at), self.number)
            )
        for match in re.finditer(r"‹e(\d+)›", self.sentence.words):
            token = self._token(match.group(1))
            if token.coded:
                line = self._label_at(match.start(), match.end())
                anchors = self._anchors_at(match.start())
                spoken = any(low <= match.start() < high for low, high in self._taken)
                required = bool(REQUIRED.search(self.sentence.words)) and not spoken
                kind = "quote" if spoken else "code"
                claims.append(
                    Claim(
                        kind,
                        token.start,
                        token.end,
                        "",
                        token.value,
                        "",
                        "state",
                        line,
                        0,
                        anchors,
                        self.number,
                        required,
                    )
                )
        return claims

    def _token(self, index: str) -> Token:
        return self.sentence.tokens[int(index)]

    def _group(self, match: re.Match[str], name: str) -> str:
        """The value of the token in a named group, "" where the group took no part."""
        index = match.groupdict().get(name)
        return self._token(index).value if index is not None else ""

    def _span(self, low: int, high: int) -> tuple[int, int]:
        offsets, tokens = self.sentence.offsets, self.sentence.tokens
        end = offsets[min(high, len(offsets) - 1)]
        last = re.findall(r"‹[a-z](\d+)›", self.sentence.words[low:high])
        return offsets[low], max([end, *(tokens[int(index)].end for index in last)])

    # One method per pattern kind: what the match claims, or nothing where it claims nothing checkable.

    def value(self, match: re.Match[str], how: str) -> list[_Found]:
        subject, value = self._group(match, "s"), self._group(match, "v")
        if _is_word(match, "v") and re.match(r" (?:of|more|less|or|to|and)\b", self.sentence.words[match.end() :]):
            return []
        if how == "change" and re.search(r"\b(?:start|begin|initiali)", match.group()):
            how = "first"
        return [_Found("value" if subject.isidentifier() else "expression", subject, value, how)]

    def length(self, match: re.Match[str], _how: str) -> list[_Found]:
        subject = self._group(match, "s") or self._last_subject(match.start())
        return [_Found("expression", f"len({subject})", self._group(match, "v"))] if subject else []

    def _last_subject(self, position: int) -> str:
        """The name or expression last spoken of before a position of the sentence."""
        spoken = re.findall(r"‹[ne](\d+)›", self.sentence.words[:position])
        return self._token(spoken[-1]).value if spoken else ""

    def element(self, match: re.Match[str], _how: str) -> list[_Found]:
        index, owner, value = self._group(match, "v"), self._group(match, "s"), self._group(match, "v2")
        if owner:
            return [_Found("expression", f"{owner}[{index}]", value)]
        return [_Found("element", index, value)]

    def fromto(self, match: re.Match[str], _how: str) -> list[_Found]:
        subject = self._group(match, "s")
        if not subject.isidentifier():
            return []
        return [_Found("value", subject, self._group(match, "v2"), f"from:{self._group(match, 'v')}")]

    def sequence(self, match: re.Match[str], _how: str) -> list[_Found]:
        values = [self._token(index).value for index in re.findall(r"‹v(\d+)›", match.group("list"))]
        return [_Found("sequence", self._group(match, "s"), "[" + ", ".join(values) + "]")]

    def moved(self, match: re.Match[str], how: str) -> list[_Found]:
        subject = self._group(match, "s")
        found = [_Found(how, subject, self._group(match, "v"))]
        return (
            [*found, _Found("value", subject, self._group(match, "v2"), "change")]
            if self._group(match, "v2")
            else found
        )

    def call_return(self, match: re.Match[str], _how: str) -> list[_Found]:
        subject = self._group(match, "s")
        if subject.isidentifier():
            return [_Found("return", subject, self._group(match, "v"), "of")]
        return [_Found("expression", subject, self._group(match, "v"))]

    def exception(self, match: re.Match[str], how: str) -> list[_Found]:
        named = self._group(match, "s")
        start, end = self._span(*match.span("x")) if not named else (0, 0)
        return [_Found("exception", named or f"{start}:{end}", "", how)]

    def returned(self, match: re.Match[str], how: str) -> list[_Found]:
        return [_Found("return", "", self._group(match, "v"), how)]

    def call(self, match: re.Match[str], how: str) -> list[_Found]:
        expression = self._group(match, "s") or self._group(match, "s2")
        try:
            node = parse_expression(expression)
        except Unknown:
            return []
        return [_Found("call", expression, "", how)] if isinstance(node, ast.Call) else []

    def count(self, match: re.Match[str], _how: str) -> list[_Found]:
        return [_Found("count", self._group(match, "l") if "l" in match.groupdict() else "", self._times(match))]

    def visits(self, match: re.Match[str], _how: str) -> list[_Found]:
        return [_Found("visits", self._group(match, "l"), self._times(match))]

    def _times(self, match: re.Match[str]) -> str:
        word = match.groupdict().get("word")
        return WORD_TIMES[word] if word else self._group(match, "v")

    def goes(self, match: re.Match[str], _how: str) -> list[_Found]:
        line = self._group(match, "l") or self._group(match, "l2")
        kind = "skip" if "skip" in match.re.pattern else "next"
        return [_Found(kind, line, "", kind)]

    def truth(self, match: re.Match[str], how: str) -> list[_Found]:
        if how in ("true", "false"):
            subject = self._group(match, "s")
            return [_Found("expression", subject, how.capitalize(), "truth")]
        word = match.groupdict().get("tf")
        given = self._group(match, "v") if not word else ""
        if given not in ("True", "False", ""):
            return []
        value = given or str(word in ("true", "met", "satisfied", "hold", "holds", "passes", "succeeds", "is met"))
        return [_Found("branch", self._group(match, "l") if "l" in match.groupdict() else "", value, "outcome")]

    def branch(self, match: re.Match[str], how: str) -> list[_Found]:
        groups = match.groupdict()
        if how == "skip":
            return [_Found("branch", "", "False", "outcome")]
        which = groups.get("which") or groups.get("which2")
        return [_Found("branch", "", str(which in ("if", "true", "then")), "taken")]

    def invariant(self, match: re.Match[str], _how: str) -> list[_Found]:
        return [_Found("invariant", self._group(match, "s"), match.group("inv"), "always")]

    def unchanged(self, match: re.Match[str], _how: str) -> list[_Found]:
        return [_Found("unchanged", self._group(match, "s"), "", "same")]

    def contains(self, match: re.Match[str], _how: str) -> list[_Found]:
        words = "not in" if match.group("neg") else "in"
        return [_Found("expression", f"{self._group(match, 'v')} {words} {self._group(match, 's')}", "True", "truth")]

    def predicate(self, match: re.Match[str], _how: str) -> list[_Found]:
        subject, negated = (
            f"({self._group(match, 's')})",
            match.group("neg2") in ("is not", "isn't", "must not be", "cannot be"),
        )
        template = PREDICATES.get(match.group("pred"))
        if template is None:
            return []
        return [_Found("expression", template.format(subject), str(not negated), "truth")]

    def relation(self, match: re.Match[str], _how: str) -> list[_Found]:
        left, right = (self._token(match.group(side)[2:-1]).value for side in ("left", "right"))
        negated = (match.group("neg2") or "") in ("is not", "isn't", "are not", "cannot be")
        if match.group("neg2") is None and re.search(
            r"\b(?:if|whether|checks?|when|while|until|unless|tests?)\b", self.sentence.words[: match.start()]
        ):
            return []
        return [
            _Found(
                "expression",
                RELATIONS[match.group("rel")].format(f"({left})", f"({right})"),
                str(not negated),
                "truth",
            )
        ]

    def edge(self, match: re.Match[str], _how: str) -> list[_Found]:
        method = "endswith" if match.group("edge").startswith("end") else "startswith"
        value = self._group(match, "v")
        if not value.startswith(("'", '"')):
            return []
        return [
            _Found("expression", f"{self._group(match, 's')}.{method}({value})", str(not match.group("neg2")), "truth")
        ]

    def chain(self, match: re.Match[str], how: str) -> list[_Found]:
        subject, value = self._group(match, "s"), self._group(match, "v")
        middle = _Found("expression", self._middle(match), value)
        if not subject.isidentifier():
            return [_Found("expression", subject, value), middle]
        return [middle, _Found("value", subject, value, how)]

    def sum(self, match: re.Match[str], how: str) -> list[_Found]:
        try:
            return [_Found("value", self._group(match, "s"), show(evaluate(self._middle(match), {})), how)]
        except Unknown:
            return []

    def arithmetic(self, match: re.Match[str], _how: str) -> list[_Found]:
        return [_Found("expression", self._middle(match), self._group(match, "v"))]

    def _middle(self, match: re.Match[str]) -> str:
        """The expression that placeholders and operators spell."""
        spelled = re.sub(r"‹[a-z](\d+)›", lambda part: self._operand(part.group(1)), match.group("middle"))
        return spelled.replace("−", "-").replace("×", "*")

    def _operand(self, index: str) -> str:
        value = self._token(index).value
        return value if value.isidentifier() or value.isdigit() else f"({value})"

    def anonymous(self, match: re.Match[str], how: str) -> list[_Found]:
        return [_Found("anonymous", "", self._group(match, "v"), how)]


def _is_word(match: re.Match[str], group: str) -> bool:
    return match.string[match.start(group) - 1 : match.start(group)] == "w"


def _push(stack: tuple[Anchor, ...], anchor: Anchor) -> tuple[Anchor, ...]:
    """The stack with the anchor on top; an earlier anchor for the same loop and all above it are dropped."""
    lines = [line for line, _ in stack]
    kept = stack[: lines.index(anchor[0])] if anchor[0] in lines else stack
    return (*(item for item in kept if item[0] is not None), anchor)


def _nearest(items: list[tuple[int, int]], position: int) -> int | None:
    """The value of the last item that begins before a position."""
    return next((value for at, value in reversed(items) if at < position), None)


_BUILDERS: dict[str, Callable[[_Reader, re.Match[str], str], list[_Found]]] = {
    "length": _Reader.length,
    "element": _Reader.element,
    "fromto": _Reader.fromto,
    "sequence": _Reader.sequence,
    "added": _Reader.moved,
    "removed": _Reader.moved,
    "value": _Reader.value,
    "call-return": _Reader.call_return,
    "exception": _Reader.exception,
    "return": _Reader.returned,
    "call": _Reader.call,
    "count": _Reader.count,
    "visits": _Reader.visits,
    "skip": _Reader.goes,
    "next": _Reader.goes,
    "truth": _Reader.truth,
    "branch": _Reader.branch,
    "invariant": _Reader.invariant,
    "unchanged": _Reader.unchanged,
    "contains": _Reader.contains,
    "predicate": _Reader.predicate,
    "relation": _Reader.relation,
    "edge": _Reader.edge,
    "chain": _Reader.chain,
    "sum": _Reader.sum,
    "arithmetic": _Reader.arithmetic,
    "anonymous": _Reader.anonymous,
}
