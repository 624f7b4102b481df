"""What a fix changes, as small as it can be said, and which node of the buggy program is which of the fixed one.

Both are read off the two syntax trees: the statements of a block are matched by their likeness, and two statements that
correspond are narrowed to the smallest expression that holds their whole difference.
"""

import ast
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from ray_app.semantics.source import Source, read

Place = Literal["before", "after", "around", "else"]

_ALIKE = 0.5
_HELD = (ast.stmt, ast.ExceptHandler, ast.match_case)
_BLOCKS = ("body", "handlers", "cases", "orelse", "finalbody")
# Their text does not say enough by itself (`1:`), or Python before 3.12 places it wrongly.
_NEVER_ALONE = (ast.Slice, ast.FormattedValue)


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `old` is a node of the buggy program, `new` one of the fixed program; -1 where there is none.

    A statement that is missing (`old` is -1) has its `place` beside the statement `anchor` of the buggy program: before
    or after it, around it, or in its `else` part. One that is too many (`new` is -1) goes with all that is in it; where
    its place is "around", that stays. An `anchor` of -1 is the end of the program.
    """

    old: int
    new: int
    anchor: int = -1
    place: Place = "before"


@dataclass(frozen=True)
class Comparison:
    """Two versions of a program; `to_fixed` and `to_buggy` hold the nodes that correspond, changed ones included."""

    buggy: Source
    fixed: Source
    changes: tuple[Change, ...]
    to_fixed: Mapping[int, int]
    to_buggy: Mapping[int, int]

    def line_of(self, change: Change) -> int:
        """The line of the buggy program at which a change is told; 0: its end."""
        node = change.old if change.old >= 0 else change.anchor
        return self.buggy.line(self.buggy.statement_of(node)) if node >= 0 else 0


@functools.lru_cache(maxsize=256)
def compare(buggy: str, fixed: str) -> Comparison:
    """The changes from `buggy` to `fixed`, in the order of their lines."""
    matching = _Matching(read(buggy), read(fixed))
    matching.pair(matching.buggy.tree, matching.fixed.tree)
    changes = [*matching.replaced, *matching.extra(), *matching.missing()]
    found = Comparison(matching.buggy, matching.fixed, (), matching.to_fixed, matching.to_buggy)
    changes.sort(key=lambda change: found.line_of(change) or len(buggy))
    return Comparison(found.buggy, found.fixed, tuple(changes), found.to_fixed, found.to_buggy)


class _Matching:
    """Descends into both trees at once, and notes which nodes correspond and which expressions differ."""

    def __init__(self, buggy: Source, fixed: Source) -> None:
        self.buggy, self.fixed = buggy, fixed
        self.to_fixed: dict[int, int] = {}
        self.to_buggy: dict[int, int] = {}
        self.replaced: list[Change] = []

    def pair(self, old: ast.AST, new: ast.AST) -> None:
        """Matches two statements, or two other nodes that hold blocks."""
        apart = self.narrow(old, new)
        if apart is not None:
            self.replaced.append(Change(self.buggy.id_of(apart[0]), self.fixed.id_of(apart[1])))
        for ours, theirs in zip(_blocks(old), _blocks(new), strict=True):
            self.block(ours, theirs)

    def narrow(self, old: ast.AST, new: ast.AST) -> tuple[ast.AST, ast.AST] | None:
        """The smallest pair of nodes that holds the whole difference of two, blocks left out; None: no difference."""
        self.to_fixed[self.buggy.id_of(old)] = self.fixed.id_of(new)
        self.to_buggy[self.fixed.id_of(new)] = self.buggy.id_of(old)
        found = [self.narrow(a, b) for a, b in zip(_parts(old), _parts(new), strict=False)]
        apart = [pair for pair in found if pair is not None]
        shapes = [[_shape(value) for _, value in ast.iter_fields(node)] for node in (old, new)]
        if type(old) is not type(new) or shapes[0] != shapes[1] or len(apart) > 1:
            return old, new
        if not apart:
            return None
        first, _ = apart[0]
        alone = isinstance(first, ast.expr) and not isinstance(first, _NEVER_ALONE)
        return apart[0] if alone else (old, new)

    def block(self, ours: Sequence[ast.AST], theirs: Sequence[ast.AST]) -> None:
        """Matches two blocks: equal statements first, then those between them by their likeness."""
        mine, other = ([ast.dump(node) for node in nodes] for nodes in (ours, theirs))
        for tag, a, a_end, b, b_end in SequenceMatcher(None, mine, other, autojunk=False).get_opcodes():
            if tag == "equal":
                self.in_turn(ours[a:a_end], theirs[b:b_end])
            elif tag == "replace":
                self.exchanged(ours[a:a_end], theirs[b:b_end])

    def in_turn(self, ours: Sequence[ast.AST], theirs: Sequence[ast.AST]) -> None:
        """Matches blocks of the same length one to one."""
        for old, new in zip(ours, theirs, strict=True):
            self.pair(old, new)

    def exchanged(self, ours: Sequence[ast.AST], theirs: Sequence[ast.AST]) -> None:
        """Matches two stretches without equal statements: what one holds in a statement of its own, else the likest."""
        if inner := _held_alike(theirs, ours):
            self.block(ours, inner)
        elif inner := _held_alike(ours, theirs):
            self.block(inner, theirs)
        elif len(ours) == len(theirs):
            self.in_turn(ours, theirs)
        else:
            self.likest(ours, theirs)

    def likest(self, ours: Sequence[ast.AST], theirs: Sequence[ast.AST]) -> None:
        """Matches each statement with the first that is most like it, in order; some stay alone."""
        following = 0
        for old in ours:
            scores = [(similarity(ast.unparse(old), ast.unparse(new)), -at) for at, new in enumerate(theirs)]
            best, at = max(scores[following:], default=(0.0, 0))
            if best >= _ALIKE:
                self.pair(old, theirs[-at])
                following = 1 - at

    def extra(self) -> Iterator[Change]:
        """The statements that the buggy program has too many."""
        for node in _unmatched(self.buggy, self.to_fixed):
            inner = any(part in self.to_fixed for part in _held(self.buggy, node))
            yield Change(node, -1, place="around" if inner else "before")

    def missing(self) -> Iterator[Change]:
        """The statements that the buggy program lacks; of an `else` part that it lacks, the first stands for all."""
        otherwise: set[int] = set()
        for node in _unmatched(self.fixed, self.to_buggy):
            change = self.placed(node)
            if change.place != "else" or change.anchor not in otherwise:
                yield change
            otherwise.add(change.anchor)

    def placed(self, node: int) -> Change:
        """The place of a statement that the buggy program lacks."""
        owner = self.fixed.nodes[self.fixed.parent(node)]
        block = next(held for held in _blocks(owner) if self.fixed.nodes[node] in held)
        siblings = [self.fixed.id_of(other) for other in block]
        at = siblings.index(node)
        inside = [self.fixed.id_of(part) for part in getattr(self.fixed.nodes[node], "body", ())]
        places: tuple[tuple[Place, list[int]], ...] = (
            ("around", inside),
            ("before", siblings[at + 1 :]),
            ("after", siblings[:at][::-1]),
        )
        for place, others in places:
            for other in others:
                if other in self.to_buggy:
                    return Change(-1, node, self.to_buggy[other], place)
        is_else = block is getattr(owner, "orelse", None)
        return Change(-1, node, self.to_buggy.get(self.fixed.id_of(owner), -1), "else" if is_else else "before")


def _blocks(node: ast.AST) -> list[list[ast.AST]]:
    """The blocks of a node: lists of statements, handlers or cases."""
    held = [getattr(node, name, None) for name in _BLOCKS]
    return [block if isinstance(block, list) else [] for block in held]


def _held(source: Source, node: int) -> Iterator[int]:
    """The statements in the blocks of a node, at any depth."""
    for inner in (part for block in _blocks(source.nodes[node]) for part in block):
        yield source.id_of(inner)
        yield from _held(source, source.id_of(inner))


def _unmatched(source: Source, matched: Mapping[int, int]) -> Iterator[int]:
    """The outermost statements without a counterpart, and those in the body of one that is merely around others."""
    alone = [n for n, node in enumerate(source.nodes) if isinstance(node, _HELD) and n not in matched]
    for node in alone:
        owner = source.parent(node)
        body = [source.id_of(part) for part in getattr(source.nodes[owner], "body", ())]
        if owner in matched or any(part in matched for part in body):
            yield node


def _parts(node: ast.AST) -> list[ast.AST]:
    """What a node is made of, without its blocks and without operators, which have no parts."""
    return [child for child in ast.iter_child_nodes(node) if child._fields and not isinstance(child, _HELD)]


def _shape(value: object) -> object:
    """What a node says besides its parts: operators, names, constants, and which parts it has."""
    if isinstance(value, list):
        return [_shape(item) for item in value if not isinstance(item, _HELD)]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, ast.AST):
        return "" if value._fields else type(value).__name__
    return repr(value)


def similarity(one: str, other: str) -> float:
    """The share of their text that two pieces of code have in common, 0 to 1."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _held_alike(outer: Sequence[ast.AST], inner: Sequence[ast.AST]) -> Sequence[ast.AST]:
    """The block of the single statement `outer` that holds one of `inner` as it is."""
    wanted = {ast.dump(node) for node in inner}
    blocks = _blocks(outer[0]) if len(outer) == 1 else []
    return next((block for block in blocks if wanted & {ast.dump(node) for node in block}), ())
