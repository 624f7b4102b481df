"""The words of a sentence cut into clauses, so that what is known of one is not taken for another."""

import itertools
import re
from typing import NamedTuple


class Clause(NamedTuple):
    """Where a clause stands in the words, from what joins it to the clause before; `size`: its words."""

    start: int
    end: int
    size: int


_JOIN = re.compile(
    r",? \b(?:which|so|because|since|but|while|where|whereas|meaning|until|before|except)\b"
    r"|, (?:and|then|resulting|giving|leaving|making|as|replacing|removing|adding|splitting|converting|using|returning|"
    r"concatenating|creating|separated|followed|starting|including)\b"
    r"|(?<=[\w)›]) and (?:is|are|then|the|it|returns?|assigns?|stores?|appends?|adds?|sets?|joins?|converts?|removes?|"
    r"moves?|continues?|exits?|breaks?)\b|; "
)
_WORD = re.compile(r"(?<![‹\w])[a-z]{2,}")


def clauses(words: str) -> tuple[Clause, ...]:
    """The clauses of a sentence, in order."""
    joins = [match.start() for match in _JOIN.finditer(words) if match.start() > 0]
    bounds = [0, *joins, len(words)]
    pairs = itertools.pairwise(bounds)
    return tuple(Clause(low, high, len(_WORD.findall(words, low, high))) for low, high in pairs)
