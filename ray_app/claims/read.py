"""What a text says about a run: its claims in reading order, each with the place that the words give it."""

import ast
import builtins
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ray_app.claims.answer import split
from ray_app.claims.claim import NOWHERE, Claim, Group, Iteration, Mode, Part, Place, Reading, Statement, Tense
from ray_app.claims.lexer import Sentence, Token, placeholders, sentences
from ray_app.claims.shape import Anchor, Hit, Shape, shape
from ray_app.claims.table import Said
from ray_app.semantics.source import Source

_GENERAL_HEADING = re.compile(
    r"\b(?:propert|purpose|constraint|understand|overview|what .* does|edge case|invariant|description|general)"
)
_RUN_HEADING = re.compile(r"\b(?:execution|simulat|trace|step|walk|run|result|conclusion|answer)")
LONGEST = 30_000
"""Characters of a text that is read: ten times what models write about one run."""
_LONG = frozenset("[{('\"b")
_TELLING = 5
"""Characters of a value that is not met by chance."""
_MARKS = {ord("‹"): "<", ord("›"): ">"}
"""Placeholders are written with these marks, so a text may not have them."""
_STEPWISE_SHARE = 0.7


def read(text: str, source: Source) -> Reading:
    """The reading of a text about a program; of one beyond `LONGEST` characters nothing is read. Never raises, whatever
    the text."""
    if len(text) > LONGEST:
        return Reading((), (), "")
    body, answer = split(text.translate(_MARKS))
    found = sentences(body, names_of(source), source.code.__contains__, phrases_of(source))
    reader = _Reader(source, body, _is_stepwise(found, body), 1 if _FROM_ZERO.search(body) else 0)
    for sentence in found:
        reader.take(sentence)
    reader.finish()
    return Reading(tuple(reader.statements), tuple(reader.groups), answer)


@functools.lru_cache(maxsize=512)
def names_of(source: Source) -> frozenset[str]:
    """The names that a word of prose may stand for: not those of built-ins that the program only uses."""
    bound = {node.arg for node in source.nodes if isinstance(node, ast.arg)} | {
        node.id for node in source.nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    return frozenset(name for name in source.names if name in bound or not hasattr(builtins, name))


@functools.lru_cache(maxsize=512)
def phrases_of(source: Source) -> dict[str, list[str]]:
    """The program's expressions with a word for an operator, longest first, by their first word."""
    found: dict[str, list[str]] = {}
    for number, node in enumerate(source.nodes):
        if isinstance(node, (ast.Compare, ast.BoolOp, ast.UnaryOp)):
            text = source.text(number)
            first = _FIRST_WORD.match(text)
            if first and _WORD_OPERATOR.search(text) and "\n" not in text:
                found.setdefault(first[0], []).append(text)
    return {word: sorted(set(texts), key=len, reverse=True) for word, texts in found.items()}


_FIRST_WORD = re.compile(r"[A-Za-z_][\w.]*(?![\w.(\[])")
_WORD_OPERATOR = re.compile(r"\b(?:and|or|not|in|is)\b")
_FROM_ZERO = re.compile(r"\b[Ii]teration (?:#|number )?0\b")
"""Such a text counts iterations from 0."""
_STEP = re.compile(r"(?:\A|\n) *\Z")
_STEP_LABEL = re.compile(r"\[L\d+\] (?!:)")


def _is_stepwise(found: list[Sentence], body: str) -> bool:
    """Whether nearly every line is "[L3] what it does", without a bullet: then each tells one step."""
    leads = [sentence for sentence in found if sentence.leads]
    labelled = sum(
        _STEP_LABEL.match(body, sentence.start) is not None and _STEP.search(body[: sentence.start]) is not None
        for sentence in leads
    )
    return len(leads) > 0 and labelled >= _STEPWISE_SHARE * len(leads)


@dataclass(frozen=True, slots=True)
class _Scope:
    """Iterations named at the head of a line hold for what is indented under it."""

    line: int
    indent: int
    iteration: Iteration


@dataclass
class _Reader:
    source: Source
    text: str
    strict: bool
    offset: int = 0
    statements: list[Statement] = field(default_factory=list[Statement])
    groups: list[Group] = field(default_factory=list[Group])
    scopes: list[_Scope] = field(default_factory=list[_Scope])
    general: bool = False
    line: int = -1
    place: Place = NOWHERE
    pending: list[Claim] = field(default_factory=list[Claim])
    spans: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    values: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    owner: int = 0
    ordered: bool = True

    @functools.cached_property
    def words(self) -> frozenset[str]:
        """The program's names as the words of a sentence show them."""
        return frozenset(name.lower() for name in self.source.names)

    def take(self, sentence: Sentence) -> None:
        """One sentence: its mode, its claims, and the place that it gives to what follows on its line."""
        form = shape(sentence.words)
        if sentence.line != self.line:
            self._new_line(sentence, form)
        mode = self._mode(sentence, form)
        text = self.text[sentence.start : sentence.end].strip()
        tokens = form.tokens(sentence.tokens)
        made = self._made(form, tokens) if mode == "run" else []
        parts = tuple(self._parts(sentence, form, tokens, [hit for hit, _ in made])) if mode == "run" else ()
        self.statements.append(Statement(text, mode, sentence.start, sentence.end, parts))
        if mode != "run":
            return
        self._place(sentence, form, tokens)
        self._claims(sentence, form, tokens, made)

    def _made(self, form: Shape, tokens: tuple[Token, ...]) -> list[tuple[Hit, list[Claim]]]:
        """What the hits claim; some claim nothing after all."""
        built = [(hit, hit.entry.build(Said(hit.match, tokens, hit.hint))) for hit in form.hits]
        named = [(hit, [self._named(claim) for claim in claims]) for hit, claims in built]
        said = [(hit, [claim for claim in claims if self._says(claim)]) for hit, claims in named]
        return [(hit, claims) for hit, claims in said if claims]

    def _parts(self, sentence: Sentence, form: Shape, tokens: tuple[Token, ...], hits: list[Hit]) -> Iterator[Part]:
        """The clauses of a sentence, in the text."""
        start = sentence.start
        taken = [hit.match.span() for hit in hits] + [(anchor.start, anchor.start + 1) for anchor in form.anchors]
        for number, clause in enumerate(form.clauses):
            following = form.clauses[number + 1 :]
            end = self._join_of(sentence, form.words[: clause.end], tokens, start) if following else sentence.end
            is_claimed = any(low < clause.end and clause.start < high for low, high in taken)
            loose = [
                tokens[int(place[2])]
                for place in placeholders(form.words)
                if clause.start <= place.start() < clause.end and int(place[2]) in form.unclaimed
            ]
            spelled = tuple(token.value if token.sort == "v" else f"‹{token.value}›" for token in loose)
            yield Part(start, end, clause.size, is_claimed, spelled)
            start = end

    def _join_of(self, sentence: Sentence, before: str, tokens: tuple[Token, ...], start: int) -> int:
        """Where in the text a clause ends: behind its last token and the words after that."""
        places = list(placeholders(before))
        last = places[-1] if places else None
        at = max(start, tokens[int(last[2])].end) if last is not None else start
        words = (before[last.end() :] if last is not None else before).split()
        for word in words:
            found = self.text.lower().find(word.strip(",.;:*"), at, sentence.end)
            at = found + len(word.strip(",.;:*")) if found >= 0 else at
        return at

    def _new_line(self, sentence: Sentence, form: Shape) -> None:
        self.finish()
        self.line = sentence.line
        while self.scopes and sentence.indent <= self.scopes[-1].indent:
            self.scopes.pop()
        self.place = Place(iterations=self._inherited()) if self.scopes else NOWHERE
        self.ordered = not form.concludes and not form.jumps
        self.owner = len(self.statements)
        if sentence.heading:
            self.general = bool(_GENERAL_HEADING.search(form.words)) and not _RUN_HEADING.search(form.words)

    def _inherited(self) -> tuple[Iteration, ...]:
        """The iterations under whose head the line stands."""
        return tuple(scope.iteration for scope in self.scopes if scope.line < self.line)

    def finish(self) -> None:
        """What was said at the place so far is a group."""
        if self.pending:
            spans, values = tuple(self.spans), tuple(self.values)
            self.groups.append(
                Group(tuple(self.pending), spans, self.place, self.owner, self.ordered, self.strict, values)
            )
            self.pending, self.spans, self.values = [], [], []

    def _mode(self, sentence: Sentence, form: Shape) -> Mode:
        labelled = sentence.words.startswith("‹l0›")
        if not form.asserts and not (labelled and self.strict):
            return "general"
        if self.general and not labelled:
            return "general"
        if sentence.fenced and self._is_program(sentence):
            return "talk"
        return "run" if form.hits or form.anchors or form.labels or form.unclaimed else "talk"

    def _is_program(self, sentence: Sentence) -> bool:
        """Whether a line of a code block is one of the program's, perhaps with its label behind it."""
        piece = self.text[sentence.start : sentence.end].split("#")[0].strip()
        return any(piece == line.strip() for line in self.source.lines)

    # Places

    def _place(self, sentence: Sentence, form: Shape, tokens: tuple[Token, ...]) -> None:
        """The place of a sentence: its first label, its iterations, the code that it quotes."""
        is_new = sentence.start == self._line_start(sentence)
        if not is_new and self._starts_anew(sentence, form):
            self.finish()
            self.owner = len(self.statements) - 1
            self.ordered = not form.concludes and not form.jumps
        if not is_new and not self.strict:
            self.place = replace(self.place, iterations=self._carried(form))
        iterations = self._iterations(form, tokens)
        if iterations:
            base = self._inherited()
            if form.anchors[0].leads and not self.place.line:
                self.finish_if_moved()
            self.place = replace(self.place, iterations=(*base, *iterations))
            if form.anchors[0].leads and sentence.leads:
                self.scopes.append(_Scope(self.line, sentence.indent, iterations[0]))
        if form.visit >= 0 and (visit := tokens[form.visit].value).isdecimal():
            self.place = replace(self.place, visit=int(visit))

    def _carried(self, form: Shape) -> tuple[Iteration, ...]:
        """The iterations of the sentence before, for one that goes on: it may have left them without saying so."""
        scoped = self._inherited()
        if _LEAVES.search(form.words):
            return scoped
        own = self.place.iterations[len(scoped) :]
        return (*scoped, *(iteration._replace(soft=True) for iteration in own))

    def finish_if_moved(self) -> None:
        """A new iteration on the same line begins a new group."""
        if self.pending:
            self.finish()
            self.owner = len(self.statements) - 1

    def _line_start(self, sentence: Sentence) -> int:
        return sentence.start if sentence.leads else -1

    def _starts_anew(self, sentence: Sentence, form: Shape) -> bool:
        """Clauses after a semicolon and sentences on the line of a label belong to what stands before; others do
        not."""
        return not self.place.line

    def _iterations(self, form: Shape, tokens: tuple[Token, ...]) -> tuple[Iteration, ...]:
        found = [
            (anchor, _iteration(anchor, tokens, self.offset)) for anchor in form.anchors if not anchor.is_comprehension
        ]
        return tuple(one for anchor, one in found if one is not None and (one.number or anchor.number < 0))

    # Claims

    def _claims(
        self, sentence: Sentence, form: Shape, tokens: tuple[Token, ...], made: list[tuple[Hit, list[Claim]]]
    ) -> None:
        """The claims of a sentence, each under the label before it."""
        labels = [(at, tokens[number].value) for number, at in form.labels]
        first = labels[0][1] if labels else ""
        if first and (not self.place.line or labels[0][0] == 0):
            self._move(first)
        for anchor in form.anchors:
            claim = _exists(anchor, tokens, self.strict, self.offset)
            if claim is not None:
                self.pending.append(claim)
                self.spans.append((sentence.start, sentence.end))
                self.values.append((0, 0))
        for hit, claims in made:
            under = [label for at, label in labels if at <= hit.match.start()]
            if under and _span(under[-1]) != (self.place.line, self.place.end_line):
                self.finish()
                self.owner = len(self.statements) - 1
                self._move(under[-1])
            if claims[0].kind == "kept":  # of several conditions, which one
                claims = [replace(claims[0], number=sum(claim.kind == "kept" for claim in self.pending))]
            self.pending += claims
            self.spans += [_stretch(hit, tokens, sentence)] * len(claims)
            self.values += [_value_span(claim, hit, tokens) for claim in claims]
        for number in () if self.strict else form.mentioned:
            token = tokens[number]
            if token.value[:1] in _LONG and len(token.value) >= _TELLING:
                self.pending.append(Claim("mention", value=token.value))
                self.spans.append((token.start, token.end))
                self.values.append((token.start, token.end))
        if first and not self.pending:
            self.pending.append(Claim("line"))
            self.spans.append((sentence.start, sentence.end))
            self.values.append((0, 0))

    def _says(self, claim: Claim) -> bool:
        """Whether a claim is about anything: a deed without a name could be any."""
        return claim.kind != "does" or bool(claim.items) or claim.subject in ("breaks", "continues")

    def _named(self, claim: Claim) -> Claim:
        """A deed with the name that its words may hold."""
        if claim.kind != "does":
            return claim
        names = [word for word in re.findall(r"\w+", claim.other) if word in self.words]
        return replace(claim, items=(*names[-1:], *claim.items), other="")

    def _move(self, label: str) -> None:
        line, end = _span(label)
        place = self.place
        self.place = Place(line, end, place.visit, place.iterations)


def _span(label: str) -> tuple[int, int]:
    first, _, last = label.partition("-")
    return int(first or 0), int(last or first or 0)


def _stretch(hit: Hit, tokens: tuple[Token, ...], sentence: Sentence) -> tuple[int, int]:
    """The stretch of text in which a hit stands, from its first token to its last."""
    if not hit.tokens:
        return sentence.start, sentence.end
    return tokens[hit.tokens[0]].start, tokens[hit.tokens[-1]].end


def _value_span(claim: Claim, hit: Hit, tokens: tuple[Token, ...]) -> tuple[int, int]:
    """Where the value that a claim states stands, (0, 0) where it is not written as one token."""
    stated = claim.value or (str(claim.number) if claim.kind in ("count", "visits") else "")
    found = (tokens[number] for number in reversed(hit.tokens) if tokens[number].value == stated)
    token = next(found, None) if stated else None
    return (token.start, token.end) if token is not None else (0, 0)


_LEAVES = re.compile(
    r"\b(?:goes on|continues?|repeats?|repeated|and so on|until|finally|in the end|ends|remaining|rest of|"
    r"after the loop)\b"
)
"""Words after which the iteration spoken of before is over."""


def _iteration(anchor: Anchor, tokens: tuple[Token, ...], offset: int) -> Iteration | None:
    """The iteration that words speak of; `offset`: how much less than from 1 the text counts from."""
    line = int(tokens[anchor.line].value.split("-")[0]) if anchor.line >= 0 else 0
    if anchor.number < 0:
        return Iteration(line, 0 if anchor.word in ("loop", "iterations", "passes") else -1, inner=anchor.inner)
    path = tokens[anchor.number].value.split(".")
    if not all(part.isdecimal() for part in path):
        return None
    counts = 0 if tokens[anchor.number].sort == "o" else offset  # "the first" is the first
    numbers = tuple(int(part) + counts for part in path)
    return Iteration(line, numbers[0], numbers[1:], anchor.inner, bool(anchor.word))


def _exists(anchor: Anchor, tokens: tuple[Token, ...], strict: bool, offset: int) -> Claim | None:
    """That there is such an iteration; of "the third character" that would be saying too much. Where each line tells
    one
    step, it begins there."""
    found = _iteration(anchor, tokens, offset)
    if found is None or anchor.number < 0 or anchor.word:
        return None
    other = "comprehension" if anchor.is_comprehension else ""
    items = tuple(map(str, found.path))
    tense: Tense = "first" if strict and found.line <= 0 else "state"
    return Claim("iteration", tense=tense, number=found.number, line=found.line, other=other, items=items)
