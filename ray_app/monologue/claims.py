"""The grammar of checkable claims: `parse(text, names)` finds them in narrated and in free prose.

A claim says what it is about (`subject`), what it asserts (`value`, canonical), how (`how`), and where: the line, the
visit and the iterations that the text places it in. Parsing never looks at a trace and decides nothing about truth.
What is not recognised is never guessed: every literal outside a claim is listed as unchecked.

Kinds: value, expression, element, length (as expression), branch, skip, count, visits, iteration, call, return,
exception, added, removed, sequence, unchanged, final (the last write), invariant, line, code, constraint, answer.
"""

import re

from ray_app.monologue.claim import Anchor, Claim, Claims
from ray_app.monologue.grammar import ANSWER, ASSERT, PATTERNS
from ray_app.monologue.shape import Hit, shape
from ray_app.monologue.skeleton import Sentence, skeleton
from ray_app.monologue.statements import Found, Said, state
from ray_app.monologue.tables import tables as read_tables

_LITERAL = re.compile(r"\d|['\"]")
_AT_END = re.compile(r"\b(?:after|at the end of|by the end of)(?: the)? $")
_BEGINNING = re.compile(r"\s*(?:‹l\d+› )*(?:the )?")
_OTHER_THAN_NEWLINE = re.compile(r"[^\n]")


def parse(text: str, names: frozenset[str] = frozenset()) -> Claims:
    """The claims of a text. `names`: the program's names, by which a variable is known without backticks."""
    answer, body = _answer(text)
    claims, body = read_tables(body)
    unchecked: list[str] = []
    stack: tuple[Anchor, ...] = ()
    for number, sentence in enumerate(skeleton(body, names)):
        reader = _Reader(text, sentence, number, () if sentence.after_blank else stack)
        claims += reader.read()
        unchecked += reader.unchecked()
        stack = reader.stack
    claims.sort(key=lambda claim: (claim.start, claim.end))
    return Claims(tuple(claims), tuple(unchecked), answer)


def _answer(text: str) -> tuple[str, str]:
    """The code of the final answer (the last one), and the text with every answer blanked out."""
    matches = list(ANSWER.finditer(text)) or list(ASSERT.finditer(text))
    body = text
    for match in matches:
        body = body[: match.start()] + _OTHER_THAN_NEWLINE.sub(" ", match.group()) + body[match.end() :]
    return (matches[-1].group(1).strip("`\n ") if matches else ""), body


class _Reader:
    """Reads one sentence: markers of place first, then claims from the most specific pattern to the most general."""

    def __init__(self, text: str, sentence: Sentence, number: int, stack: tuple[Anchor, ...]) -> None:
        self.text = text
        self.sentence = sentence
        self.number = number
        self.stack = stack
        self.shape = shape(sentence.words)
        self._used: set[int] = set()
        self._taken: list[tuple[int, int]] = []
        self._markers: list[tuple[int, tuple[Anchor, ...]]] = [(0, stack)]
        self._ended: set[int] = set()
        self._labels: list[tuple[int, int]] = []
        self._visits: list[tuple[int, int]] = []

    def read(self) -> list[Claim]:
        """The claims of the sentence."""
        if self.shape.after_loop:
            self.stack = self._outside()
            if _BEGINNING.fullmatch(self.shape.words, 0, self.shape.after_loop[0]):
                self._markers[0] = (0, self.stack)
        if self.shape.empty:
            return []
        found = [*self._iterations(), *self._hits()]
        if self.shape.hypothetical:
            return []
        self._place_labels(found)
        claims = [self._claim(stated, low, high) for stated, low, high in found]
        if any(stated.kind == "call" for stated, *_ in found):
            self.stack = ()
        return claims + self._lines() + self._code()

    def _outside(self) -> tuple[Anchor, ...]:
        """The iterations that go on when the loop that the sentence names has ended; none where it names none."""
        ended = {self._loop_line(hit) for hit in self.shape.loop_lines}
        lines = [line for line, _ in self.stack]
        return self.stack[: min((lines.index(line) for line in ended if line in lines), default=0)]

    def _loop_line(self, hit: Hit) -> int:
        return int(self.sentence.tokens[int(hit.match[1])].value)

    def unchecked(self) -> list[str]:
        """The literals of the sentence that no claim holds."""
        return [
            self.text[token.start : token.end]
            for index, token in enumerate(self.sentence.tokens)
            if index not in self._used and (token.sort == "V" or (token.sort == "E" and _LITERAL.search(token.value)))
        ]

    def _iterations(self) -> list[tuple[Found, int, int]]:
        found: list[tuple[Found, int, int]] = []
        self._markers += [(start, self.stack) for start in self.shape.after_loop if start not in self.shape.over]
        self._markers += [(start, ((None, 0),)) for start in self.shape.over]
        for hit in self.shape.iterations:
            said = Said(self.sentence, self.shape, hit)
            count = said.group("v") or said.group("o") or said.group("oe") or "-1"
            loop = None
            if hit.loop is not None:
                loop = int(said.value(hit.loop.group(1)))
                self._used.add(int(hit.loop.group(1)))
                self._taken.append(hit.loop.span())
            self.stack = _push(self.stack if loop is not None else (), (loop, int(count)))
            self._markers.append((hit.start, self.stack))
            if _AT_END.search(self.shape.words, max(0, hit.start - 24), hit.start) or hit.match.group().startswith(
                "after"
            ):
                self._ended.add(hit.start)
            self._take(hit)
            found.append((Found("iteration", str(loop or ""), count), hit.start, hit.end))
            if total := said.group("of"):
                found.append((Found("count", str(loop or ""), total), hit.start, hit.end))
        self._markers.sort(key=lambda marker: marker[0])
        for match in self.shape.visits:
            self._visits.append((match.start(), int(self.sentence.tokens[int(match["v"] or match["o"])].value)))
        return found

    def _hits(self) -> list[tuple[Found, int, int]]:
        found: list[tuple[Found, int, int]] = []
        for number in self.shape.patterns:
            kind, _, how = PATTERNS[number]
            position = 0
            while hit := self.shape.search(number, position):
                position = hit.start + 1
                if any(hit.start < high and low < hit.end for low, high in self._taken):
                    continue
                stated = state(Said(self.sentence, self.shape, hit), kind, how)
                if stated:
                    self._take(hit)
                    position = hit.end
                    found += [(one, hit.start, hit.end) for one in stated]
        return found

    def _take(self, hit: Hit) -> None:
        self._taken.append((hit.start, hit.end))
        self._used.update(hit.tokens)

    def _place_labels(self, found: list[tuple[Found, int, int]]) -> None:
        """The labels that place claims: not those that a claim is about."""
        about = [(low, high) for stated, low, high in found if stated.kind in _ABOUT_LABELS]
        about += [(hit.start, hit.end) for hit in self.shape.loop_lines]
        for place in self.shape.labels:
            if not any(low <= place.start < high for low, high in about):
                self._labels.append((place.start, int(self.sentence.tokens[place.token].value)))

    def _claim(self, stated: Found, low: int, high: int) -> Claim:
        line = stated.subject if stated.kind == "visits" else ""
        if stated.how == "state" and stated.kind in ("value", "expression") and self._marker_at(low)[0] in self._ended:
            stated = stated._replace(how="end")
        return self._placed(
            stated,
            self._span(low, high),
            line=int(line) if line else self._label_at(high),
            visit=_nearest(self._visits, low) or 0,
            iterations=self._anchors_at(low + (stated.kind == "iteration")),
            required=self.shape.required,
        )

    def _placed(
        self,
        stated: Found,
        span: tuple[int, int],
        *,
        line: int,
        visit: int = 0,
        iterations: tuple[Anchor, ...] = (),
        required: bool = False,
    ) -> Claim:
        start, end = span
        kind, subject, value, how = stated
        told = self.text[start:end].strip()
        return Claim(kind, start, end, told, subject, value, how, line, visit, iterations, self.number, required)

    def _label_at(self, high: int) -> int:
        """The label inside the claim, else the nearest before it, else the first after it in the sentence."""
        return next(
            (line for at, line in reversed(self._labels) if at < high), self._labels[0][1] if self._labels else 0
        )

    def _anchors_at(self, position: int) -> tuple[Anchor, ...]:
        return self._marker_at(position)[1]

    def _marker_at(self, position: int) -> tuple[int, tuple[Anchor, ...]]:
        markers = self._markers
        before = [marker for marker in markers if marker[0] <= position]
        if len(before) == 1 and len(markers) > 1 and not before[0][1]:
            return markers[1]
        return before[-1]

    def _lines(self) -> list[Claim]:
        claims: list[Claim] = []
        for at, line in self._labels:
            visit = next((visit for place, visit in self._visits if place >= at), 0)
            span = self._span(at, self.shape.words.index("›", at) + 1)
            stated = Found("line", str(line), "")
            claims.append(self._placed(stated, span, line=line, visit=visit, iterations=self._anchors_at(at)))
        return claims

    def _code(self) -> list[Claim]:
        claims: list[Claim] = []
        for place in self.shape.expressions:
            token = self.sentence.tokens[place.token]
            if token.coded:
                spoken = any(low <= place.start < high for low, high in self._taken)
                claims.append(
                    self._placed(
                        Found("quote" if spoken else "code", token.value, ""),
                        (token.start, token.end),
                        line=self._label_at(place.end),
                        iterations=self._anchors_at(place.start),
                        required=self.shape.required and not spoken,
                    )
                )
        return claims

    def _span(self, low: int, high: int) -> tuple[int, int]:
        return self.sentence.position(low), self.sentence.position(high)


_ABOUT_LABELS = frozenset({"skip", "next", "visits", "count", "iteration"})


def _push(stack: tuple[Anchor, ...], anchor: Anchor) -> tuple[Anchor, ...]:
    """The stack with the anchor on top; an earlier anchor for the same loop and all above it are dropped."""
    lines = [line for line, _ in stack]
    kept = stack[: lines.index(anchor[0])] if anchor[0] in lines else stack
    return (*(item for item in kept if item[0] is not None), anchor)


def _nearest(items: list[tuple[int, int]], position: int) -> int | None:
    """The value of the last item that begins before a position."""
    return next((value for at, value in reversed(items) if at < position), None)
