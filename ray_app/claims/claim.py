"""A checkable statement about a run, and where its words put it."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal[
    "value",  # a name, an item or an attribute has, had or gets a value
    "expression",  # an expression of the program, or one with values put in, has a value
    "truth",  # an expression, or the condition in question, is taken for true or false
    "property",  # a value contains, begins with, is greater than, is empty ...
    "result",  # what was just spoken of gives a value
    "return",
    "yield",
    "raise",
    "catch",  # a handler does or does not take an exception
    "leave",  # an exception leaves a function
    "call",
    "argument",  # what a call was given, by position
    "iteration",
    "count",  # how often a loop ran
    "stop",  # `break`, `continue`, or the end of a loop
    "visits",  # how often a line ran
    "next",
    "skip",
    "branch",
    "case",
    "finally",
    "kept",  # an item of a comprehension passes its conditions, or not
    "unevaluated",
    "last",  # a name gets its last value here
    "sequence",  # the values of a name, in order
    "added",
    "removed",
    "trend",  # never decreases, never changes ...
    "alias",
    "deleted",
    "signature",
    "line",  # a line runs; nothing else was understood
    "mention",  # a value is spoken of, in words that say that something is or becomes it
    "does",  # the program does something that needs no value: it loops over, calls, returns, assigns, tests
]
Tense = Literal["state", "set", "change", "before", "first", "end", "final"]
"""What a value claim says of the time: it is so; it is written as an assignment; it comes about; it was so; it comes
about for
the first time; in the end."""
Mode = Literal["run", "general", "talk"]
"""About this run; about the program or Python in general; neither."""


class Iteration(NamedTuple):
    """One time around a loop. `line` 0: some loop; `number` -1: the last one, 0: after the loop's end.

    `path` are the numbers of the inner clauses, where they were given as "2.1". `soft`: the words only suggest it ("the
    third character", the sentence before): what does not hold there may hold elsewhere.
    """

    line: int
    number: int
    path: tuple[int, ...] = ()
    inner: bool | None = None
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where the words put a claim: at a line (0: not said), at one of its visits (0: any), in iterations."""

    line: int = 0
    end_line: int = 0
    visit: int = 0
    iterations: tuple[Iteration, ...] = ()


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Claim:
    """`subject` is a name or an expression; `value` canonical text; `other` a second expression; what each kind
    means by
    them is said where it is built (`claims.table`) and where it is checked (`verification.checks`)."""

    kind: Kind
    subject: str = ""
    value: str = ""
    tense: Tense = "state"
    other: str = ""
    negated: bool = False
    number: int = 0
    line: int = 0
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Claims that share a place, and where each stands in the text. `ordered`: told in the order of the run, as far
    as the words show; `strict`: the
    text tells
    one step a line, so no step is told twice."""

    claims: tuple[Claim, ...]
    spans: tuple[tuple[int, int], ...]
    place: Place
    sentence: int
    ordered: bool = True
    strict: bool = False
    values: tuple[tuple[int, int], ...] = ()
    """Where the value (or number) that each claim states stands in the text; (0, 0) where none does."""


class Part(NamedTuple):
    """A clause of a sentence: where it stands in the text, how many words it has, whether a claim is in it, and the
    values in it that no claim has; of a number in words "‹two›"."""

    start: int
    end: int
    size: int
    is_claimed: bool
    loose: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence, its mode, and where it stands in the text."""

    text: str
    mode: Mode
    start: int
    end: int
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a text says: its sentences, the claims about the run in reading order, the answer at its end."""

    statements: tuple[Statement, ...]
    groups: tuple[Group, ...]
    answer: str
