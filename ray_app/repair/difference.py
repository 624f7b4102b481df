"""What a fix changes, as small as it can be said: an expression for another, statements missing or too many."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ray_app.monologue.source import Source, blocks, read
from ray_app.repair.align import Alignment, align

Place = Literal["before", "after", "around", "else"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One change. `line` is where the statement begins that it is about (0: the end of the buggy program),
    `fixed_line` the same in the fixed program (0: none).

    `old` and `new` are the smallest expressions or statements that differ, None where there is none on that side.
    `inside` is what is around them: a call or a subscript, else the statement. A statement that is missing has its
    `place` before or after the statement on `line`, around it, or in the `else` part of the `if` there.
    """

    line: int
    fixed_line: int
    old: ast.expr | ast.stmt | None
    new: ast.expr | ast.stmt | None
    inside: ast.AST | None = None
    place: Place = "before"

    @property
    def lines(self) -> range:
        """The lines of the buggy program that the change replaces or takes out."""
        last = self.old.end_lineno if isinstance(self.old, ast.stmt) and self.new is None else None
        return range(self.line, (last or self.line) + 1)


def differences(buggy: str, fixed: str) -> list[Difference]:
    """The changes from `buggy` to `fixed`, in the order of their lines."""
    ours, theirs, lines = read(buggy), read(fixed), align(buggy, fixed)
    pairs = [_pair(ours, theirs, line, lines.to_fixed[line]) for line in lines.changed]
    found = list({(pair.line, pair.fixed_line): pair for pair in pairs if pair is not None}.values())
    found += [Difference(statement.lineno, 0, statement, None) for statement in _whole(ours, lines.removed)]
    added = [_added(ours, theirs, statement, lines) for statement in _whole(theirs, lines.added)]
    found += [change for change in added if change is not None]
    return sorted(found, key=lambda change: (change.line or 10**6, change.fixed_line))


def _added(ours: Source, theirs: Source, statement: ast.stmt, lines: Alignment) -> Difference | None:
    """A statement that is missing, at its place next to what the buggy program has; of a missing `else` part the first
    one stands for all."""
    at = statement.lineno
    to_buggy = {fixed: buggy for buggy, fixed in lines.to_fixed.items()}
    if any(inner.lineno in to_buggy for inner in getattr(statement, "body", [])):
        return Difference(lines.position_of(at), at, None, statement, place="around")
    parent, block = block_of(theirs, statement)
    index = block.index(statement)
    following = next((to_buggy[other.lineno] for other in block[index + 1 :] if other.lineno in to_buggy), 0)
    if following:
        return Difference(following, at, None, statement)
    previous = next((to_buggy[other.lineno] for other in block[:index][::-1] if other.lineno in to_buggy), 0)
    if previous in ours.statements:
        return Difference(previous, at, None, statement, place="after")
    if isinstance(parent, ast.If) and block is parent.orelse and parent.lineno in to_buggy:
        return Difference(to_buggy[parent.lineno], at, None, statement, place="else") if index == 0 else None
    return Difference(lines.position_of(at), at, None, statement)


def block_of(source: Source, statement: ast.stmt) -> tuple[ast.AST, list[ast.stmt]]:
    """The node and the block of it that hold a statement."""
    for node in source.nodes:
        held = [node.body] if isinstance(node, (ast.Module, ast.ExceptHandler, ast.match_case)) else []
        if isinstance(node, ast.stmt):
            held = list(blocks(node))
        for block in held:
            if statement in block:
                return node, block
    return source.tree, [statement]


def _whole(source: Source, lines: tuple[int, ...]) -> list[ast.stmt]:
    """The statements that begin on the lines, without those inside another of them."""
    begun = [statement for line in lines if (statement := source.statements.get(line)) and statement.lineno == line]
    return [one for one in begun if not any(other is not one and _holds(other, one) for other in begun)]


def _holds(outer: ast.stmt, inner: ast.stmt) -> bool:
    return outer.lineno <= inner.lineno and (inner.end_lineno or 0) <= (outer.end_lineno or 0)


def _pair(ours: Source, theirs: Source, line: int, fixed_line: int) -> Difference | None:
    old, new = ours.statements.get(line), theirs.statements.get(fixed_line)
    if old is None or new is None or ours.text(line) == theirs.text(fixed_line):
        return None
    first, second, inside = _narrowed(old, new)
    around = old if inside is None and first is not old and not hasattr(old, "body") else inside
    return Difference(old.lineno, new.lineno, first, second, around)


_Node = ast.expr | ast.stmt


def _narrowed(old: _Node, new: _Node, inside: ast.AST | None = None) -> tuple[_Node, _Node, ast.AST | None]:
    """The smallest pair of nodes that holds the whole difference of two statements."""
    if type(old) is type(new) and _plain(old) == _plain(new):
        pairs = list(zip(_children(old), _children(new), strict=False))
        same = len(list(_children(old))) == len(list(_children(new)))
        apart = [(a, b) for a, b in pairs if ast.dump(a) != ast.dump(b)]
        if same and len(apart) == 1:
            around = isinstance(old, ast.expr) and not isinstance(old, (ast.Slice, ast.Attribute, ast.Starred))
            return _narrowed(*apart[0], old if around else inside)
    return old, new, inside


def _children(node: ast.AST) -> Iterator[_Node]:
    """The expressions in a node, without the bodies of compound statements."""
    for name, value in ast.iter_fields(node):
        if name in ("body", "orelse", "finalbody", "handlers") and isinstance(node, ast.stmt):
            continue
        for child in value if isinstance(value, list) else [value]:  # pyright: ignore[reportUnknownVariableType]
            if isinstance(child, ast.expr):
                yield child
            elif isinstance(child, (ast.keyword, ast.comprehension)):
                yield from _children(child)


def _plain(node: ast.AST) -> list[tuple[str, str]]:
    """What a node holds besides expressions: operators, names, constants."""
    return [
        (name, ast.dump(value) if isinstance(value, ast.AST) else repr(value))
        for name, value in ast.iter_fields(node)
        if not isinstance(value, (ast.expr, list)) or name == "ops"
    ] + [("ops", ast.dump(operator)) for operator in getattr(node, "ops", [])]
