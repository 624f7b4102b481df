"""Which line of a buggy program corresponds to which line of its fix, and which lines only one of them has."""

import functools
from dataclasses import dataclass
from difflib import SequenceMatcher

_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class Alignment:
    """`to_fixed`: corresponding lines (1-based), changed ones included; `changed` those among them whose text differs.

    `removed` and `added` are lines with code that only the buggy and only the fixed program has.
    """

    to_fixed: dict[int, int]
    changed: tuple[int, ...]
    removed: tuple[int, ...]
    added: tuple[int, ...]

    def position_of(self, added: int) -> int:
        """The line of the buggy program that follows the place of an added line; 0 at the end."""
        later = [buggy for buggy, fixed in self.to_fixed.items() if fixed > added]
        return min(later, default=0)


@functools.lru_cache(maxsize=256)
def align(buggy: str, fixed: str) -> Alignment:
    """The alignment of two versions of a program by their text, indentation included."""
    ours, theirs = buggy.split("\n"), fixed.split("\n")
    pairs: dict[int, int] = {}
    for tag, a, a_end, b, b_end in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if tag == "equal":
            pairs |= {a + offset + 1: b + offset + 1 for offset in range(a_end - a)}
        elif tag == "replace":
            pairs |= _paired(ours, theirs, range(a, a_end), range(b, b_end))
    return Alignment(
        to_fixed=pairs,
        changed=tuple(line for line, other in pairs.items() if ours[line - 1] != theirs[other - 1]),
        removed=tuple(line for line, text in enumerate(ours, 1) if text.strip() and line not in pairs),
        added=tuple(line for line, text in enumerate(theirs, 1) if text.strip() and line not in pairs.values()),
    )


def similarity(buggy: str, fixed: str) -> float:
    """The share of lines that two programs have in common, 0 to 1."""
    return SequenceMatcher(None, buggy.split("\n"), fixed.split("\n"), autojunk=False).ratio()


def _paired(ours: list[str], theirs: list[str], left: range, right: range) -> dict[int, int]:
    """The lines of an exchanged block: one to one where as many, else each with the first that is like it."""
    if len(left) == len(right):
        return {a + 1: b + 1 for a, b in zip(left, right, strict=True)}
    found: dict[int, int] = {}
    following = right.start
    for a in left:
        scores = [(SequenceMatcher(None, ours[a], theirs[b]).ratio(), -b) for b in range(following, right.stop)]
        best, at = max(scores, default=(0.0, 0))
        if best >= _ALIKE:
            found[a + 1] = 1 - at
            following = 1 - at
    return found
