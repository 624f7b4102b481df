"""What the words of a sentence can hold, apart from its tokens: found once for all sentences of the same words.

Sentences of one author differ in their tokens far more than in their words, so the searches of the grammar are
remembered by the words: `shape(words)` is cheap for words seen before.
"""

import functools
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from ray_app.monologue.grammar import AFTER_LOOP, HYPOTHETICAL, ITERATION, LOOP_LINE, OVER, PATTERNS, REQUIRED, VISIT

_TOKEN = re.compile(r"‹([a-z])(\d+)›")


class Hit(NamedTuple):
    """A match, the numbers of the tokens in it, and for an iteration the hit of its loop's line, if it has one."""

    match: re.Match[str]
    start: int
    end: int
    tokens: tuple[int, ...]
    loop: re.Match[str] | None = None


class Place(NamedTuple):
    """Where in the words a token's placeholder begins and ends, and the token's number."""

    start: int
    end: int
    token: int


@dataclass(frozen=True, slots=True)
class Shape:
    """The hits of everything but `PATTERNS`, which `search` looks for; `patterns` are those that occur at all."""

    words: str
    empty: bool
    after_loop: tuple[int, ...]
    over: tuple[int, ...]
    iterations: tuple[Hit, ...]
    visits: tuple[re.Match[str], ...]
    loop_lines: tuple[Hit, ...]
    labels: tuple[Place, ...]
    expressions: tuple[Place, ...]
    spoken: tuple[Place, ...]
    hypothetical: bool
    required: bool
    patterns: tuple[int, ...]
    _known: dict[tuple[int, int], Hit | None] = field(default_factory=dict[tuple[int, int], Hit | None], repr=False)

    def search(self, number: int, position: int) -> Hit | None:
        """The first hit of `PATTERNS[number]` from a position on."""
        key = (number, position)
        if key not in self._known:
            match = PATTERNS[number][1].search(self.words, position)
            self._known[key] = _hit(match) if match is not None else None
        return self._known[key]


@functools.lru_cache(maxsize=4_096)
def shape(words: str) -> Shape:
    """The shape of a sentence's words."""
    places = [
        (match.group(1), Place(match.start(), match.end(), int(match.group(2)))) for match in _TOKEN.finditer(words)
    ]
    empty = not places and "loop" not in words and "branch" not in words
    iterations = () if empty else tuple(ITERATION.finditer(words))
    return Shape(
        words,
        empty,
        tuple(match.start() for match in AFTER_LOOP.finditer(words)),
        tuple(match.start() for match in OVER.finditer(words)),
        tuple(_hit(match, LOOP_LINE.search(words, match.end(), match.end() + 40)) for match in iterations),
        tuple(VISIT.finditer(words)),
        tuple(_hit(match) for match in LOOP_LINE.finditer(words)),
        tuple(place for sort, place in places if sort == "l"),
        tuple(place for sort, place in places if sort == "e"),
        tuple(place for sort, place in places if sort in "ne"),
        HYPOTHETICAL.search(words) is not None,
        REQUIRED.search(words) is not None,
        () if empty else tuple(number for number, (_, regex, _) in enumerate(PATTERNS) if regex.search(words)),
    )


def _hit(match: re.Match[str], loop: re.Match[str] | None = None) -> Hit:
    tokens = tuple(int(token[2]) for token in _TOKEN.finditer(match.group()))
    return Hit(match, match.start(), match.end(), tokens, loop)
