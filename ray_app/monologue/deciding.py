"""Which state changes decide the output: a dynamic slice, from the returned value back to the parameters.

A change decides the output when the returned value was computed from it (data), or when a test that chose the way to
the returned value was (control). Aliases count through the trace, which records a mutation under every name that sees
it. The slice is conservative where it cannot know (globals, captured variables): it may name a change too many.
"""

import ast
import functools
from dataclasses import dataclass

from ray_app.monologue.source import Source, blocks, inside, is_inner
from ray_app.monologue.timeline import Frame, Moment, Timeline


@dataclass(frozen=True, slots=True)
class Deciding:
    """`moments`: indices of the statements the output depends on; `changes`: the (moment, variable) pairs
    among them; `points`: the statements that must be told in any case.
    """

    moments: frozenset[int]
    changes: frozenset[tuple[int, str]]
    points: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Point:
    """A statement that matters besides the output, with variables whose values there matter too."""

    moment: Moment
    names: frozenset[str] = frozenset()


@functools.lru_cache(maxsize=8)
def deciding(timeline: Timeline) -> Deciding:
    """The slice of a timeline whose entry frame returned; empty where there is no statement."""
    slicer = _Slicer(timeline)
    if 0 in timeline.frames and timeline.frames[0].moments:
        slicer.want_result(timeline.frames[0])
        slicer.run()
    return Deciding(frozenset(slicer.wanted), frozenset(slicer.changes))


def deciding_with(timeline: Timeline, point: Point) -> Deciding:
    """The slice of the output, and of what a statement does and reads, with the values of the point's variables."""
    of_output, slicer = deciding(timeline), _Slicer(timeline)
    slicer.want_point(point)
    slicer.run()
    return Deciding(
        of_output.moments | slicer.wanted, of_output.changes | slicer.changes, frozenset({point.moment.index})
    )


def uses(source: Source, line: int) -> frozenset[str]:
    """The names that the statement at `line` reads: its header only, where it has a body."""
    statement = source.statements.get(line)
    return _uses(statement) if statement is not None else frozenset()


@functools.lru_cache(maxsize=4_096)
def _uses(statement: ast.stmt) -> frozenset[str]:
    found: set[str] = set()
    for part in _own_parts(statement):
        for node in ast.walk(part):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found.add(node.id)
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        found.add(statement.target.id)
    return frozenset(found)


def _own_parts(statement: ast.stmt) -> list[ast.AST]:
    if isinstance(statement, (ast.If, ast.While)):
        return [statement.test]
    if isinstance(statement, ast.For):
        return [statement.iter]
    if isinstance(statement, ast.With):
        return [item.context_expr for item in statement.items]
    if isinstance(statement, ast.Match):
        return [statement.subject]
    if isinstance(statement, (ast.Try, ast.ClassDef)):
        return []
    return [statement]


@functools.lru_cache(maxsize=512)
def _control(source: Source) -> tuple[dict[int, tuple[int, ...]], frozenset[int]]:
    """For each statement's line the headers around it in its function, and the lines of `if`s that can leave early."""
    around: dict[int, tuple[int, ...]] = {}
    guards: set[int] = set()

    def walk(statements: list[ast.stmt], headers: tuple[int, ...]) -> None:
        for statement in statements:
            around[statement.lineno] = headers
            if isinstance(statement, ast.If) and _leaves(statement):
                guards.add(statement.lineno)
            inner = headers
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                inner = ()
            elif isinstance(statement, (ast.If, ast.While, ast.For, ast.Match)):
                inner = (*headers, statement.lineno)
            for block in blocks(statement):
                walk(block, inner)

    walk(source.tree.body, ())
    return around, frozenset(guards)


@functools.lru_cache(maxsize=512)
def _writes(source: Source) -> dict[int, frozenset[str]]:
    """For each `if`, `for` and `while` line the names that its body may assign or mutate."""
    found: dict[int, frozenset[str]] = {}

    def walk(statements: list[ast.stmt]) -> frozenset[str]:
        names: set[str] = set()
        for statement in statements:
            inside = [walk(block) for block in blocks(statement)]
            if isinstance(statement, (ast.If, ast.For, ast.While)):
                found[statement.lineno] = frozenset[str]().union(*inside)
            names.update(*inside, _written(statement))
        return frozenset(names)

    walk(source.tree.body)
    return found


def _written(statement: ast.stmt) -> set[str]:
    """The names that a statement itself may assign or mutate, its blocks left out."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    header: list[ast.AST] = (
        [statement.target, statement.iter] if isinstance(statement, ast.For) else _own_parts(statement)
    )
    names: set[str] = set()
    for part in (part for node in header for part in ast.walk(node)):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.add(part.id)
        owner = part.value if isinstance(part, (ast.Subscript, ast.Attribute)) else None
        mutates = isinstance(part, ast.Subscript) and not isinstance(part.ctx, ast.Load)
        if isinstance(owner, ast.Name) and (mutates or isinstance(part, ast.Attribute)):
            names.add(owner.id)
    return names


def _leaves(node: ast.If) -> bool:
    return any(isinstance(inner, (ast.Return, ast.Break, ast.Continue, ast.Raise)) for inner in inside(node))


class _Slicer:
    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.wanted: set[int] = set()
        self.changes: set[tuple[int, str]] = set()
        self._pending: list[Moment] = []
        self._around, self._guards = _control(timeline.source)
        self._writes = _writes(timeline.source)
        self._definitions: dict[tuple[int, str], list[Moment]] = {}
        self._visits: dict[tuple[int, int], list[Moment]] = {}
        self._children: dict[int, list[int]] = {}
        self._raising: dict[int, list[Moment]] = {}
        for moment in timeline.moments:
            closing = timeline.closing(moment)
            if closing is not None and closing.kind == "exception":
                self._raising.setdefault(moment.frame, []).append(moment)
            self._visits.setdefault((moment.frame, moment.line), []).append(moment)
            for change in moment.changes:
                self._definitions.setdefault((moment.frame, change.name), []).append(moment)
        for frame in timeline.frames.values():
            if frame.parent is not None:
                self._children.setdefault(frame.parent.index, []).append(frame.number)

    def want(self, moment: Moment) -> None:
        if moment.index not in self.wanted:
            self.wanted.add(moment.index)
            self._pending.append(moment)

    def want_point(self, point: Point) -> None:
        """A statement with what it changes, and where other variables have got their values."""
        moment = point.moment
        self.want(moment)
        if not is_inner(moment.function):
            self.changes.update((moment.index, change.name) for change in moment.changes)
        for name in sorted(point.names):
            self._defined_by(name, moment.frame, moment.start)

    def want_result(self, frame: Frame) -> None:
        """What a frame hands out: its last statement and, of a generator, each that yields."""
        self.want(frame.moments[-1])
        if not is_inner(frame.function):
            for moment in frame.moments:
                closing = self.timeline.closing(moment)
                if closing is not None and closing.kind == "yield":
                    self.want(moment)

    def run(self) -> None:
        while self._pending:
            moment = self._pending.pop()
            self._data(moment)
            self._inner_frames(moment)
            self._chosen_by(moment)

    def _data(self, moment: Moment) -> None:
        for name in uses(self.timeline.source, moment.line):
            self._not_taken(name, moment)
            if not self._defined_by(name, moment.frame, moment.start):
                parent = self.timeline.frames[moment.frame].parent
                if parent is not None:
                    self.want(parent)
                    self._defined_by(name, parent.frame, parent.end)

    def _not_taken(self, name: str, moment: Moment) -> None:
        """Tests since the last write of a variable that would have led to another write of it."""
        written = _latest(self._definitions.get((moment.frame, name), []), moment.start)
        since = written.start if written is not None else -1
        for line, names in self._writes.items():
            if name in names:
                for header in self._visits.get((moment.frame, line), []):
                    if since < header.start < moment.start:
                        self.want(header)

    def _defined_by(self, name: str, frame: int, before: int) -> bool:
        found = _latest(self._definitions.get((frame, name), []), before)
        if found is None:
            return False
        if not is_inner(found.function):
            self.changes.add((found.index, name))
        self.want(found)
        return True

    def _inner_frames(self, moment: Moment) -> None:
        for number in self._children.get(moment.index, []):
            frame = self.timeline.frames[number]
            if frame.moments:
                self.want_result(frame)

    def _chosen_by(self, moment: Moment) -> None:
        for line in self._around.get(moment.line, ()):
            header = _latest(self._visits.get((moment.frame, line), []), moment.start)
            if header is not None:
                self.want(header)
                for change in header.changes if not is_inner(header.function) else ():
                    if change.name in uses(self.timeline.source, moment.line):
                        self.changes.add((header.index, change.name))
        for raising in self._raising.get(moment.frame, []):
            if raising.start < moment.start:
                self.want(raising)
        for line in self._guards:
            for guard in self._visits.get((moment.frame, line), []):
                if guard.start < moment.start:
                    self.want(guard)


def _latest(moments: list[Moment], before: int) -> Moment | None:
    """The last moment that began before an event; moments are in order."""
    low, high = 0, len(moments)
    while low < high:
        middle = (low + high) // 2
        if moments[middle].start < before:
            low = middle + 1
        else:
            high = middle
    return moments[low - 1] if low else None
