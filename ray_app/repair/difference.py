"""What a fix changes, as small as it can be said: an expression for another, statements missing or too many."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ray_app.monologue.source import Source, read
from ray_app.repair.align import Alignment, align


@dataclass(frozen=True, slots=True)
class Difference:
    """One change. `line` is its place in the buggy program (0: at its end), `fixed_line` in the fixed one (0: none).

    `old` and `new` are the smallest expressions or statements that differ, None where there is none on that side.
    `inside` is the expression around them: a call's or a subscript's. `wraps`: a new statement is put around lines
    that are there already.
    """

    line: int
    fixed_line: int
    old: ast.expr | ast.stmt | None
    new: ast.expr | ast.stmt | None
    inside: ast.AST | None = None
    wraps: bool = False

    @property
    def lines(self) -> range:
        """The lines of the buggy program that the change replaces or takes out."""
        last = self.old.end_lineno if isinstance(self.old, ast.stmt) and self.new is None else None
        return range(self.line, (last or self.line) + 1)


def differences(buggy: str, fixed: str) -> list[Difference]:
    """The changes from `buggy` to `fixed`, in the order of their lines."""
    ours, theirs, lines = read(buggy), read(fixed), align(buggy, fixed)
    found = [pair for line in lines.changed if (pair := _pair(ours, theirs, line, lines.to_fixed[line])) is not None]
    found += [Difference(statement.lineno, 0, statement, None) for statement in _whole(ours, lines.removed)]
    found += [
        Difference(
            lines.position_of(statement.lineno), statement.lineno, None, statement, wraps=_wraps(statement, lines)
        )
        for statement in _whole(theirs, lines.added)
    ]
    return sorted(found, key=lambda change: (change.line or 10**6, change.fixed_line))


def _wraps(statement: ast.stmt, lines: Alignment) -> bool:
    body: list[ast.stmt] = getattr(statement, "body", [])
    return bool(body) and all(inner.lineno in lines.to_fixed.values() for inner in body)


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
    return Difference(line, fixed_line, first, second, inside)


_Node = ast.expr | ast.stmt


def _narrowed(old: _Node, new: _Node, inside: ast.AST | None = None) -> tuple[_Node, _Node, ast.AST | None]:
    """The smallest pair of nodes that holds the whole difference of two statements."""
    if type(old) is type(new) and _plain(old) == _plain(new):
        pairs = list(zip(_children(old), _children(new), strict=False))
        same = len(list(_children(old))) == len(list(_children(new)))
        apart = [(a, b) for a, b in pairs if ast.dump(a) != ast.dump(b)]
        if same and len(apart) == 1:
            around = isinstance(old, ast.expr) and not isinstance(old, (ast.Slice, ast.Attribute))
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
