"""What a check finds, and what all checks ask of a timeline: equal values, places, calls, loop runs, writes."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

from ray_app.monologue.evaluate import Unknown, parse_expression, parse_value, same, show
from ray_app.monologue.timeline import Frame, LoopRun, Moment, Timeline


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on a claim at a place; `covers` are the (moment, variable) changes that a true claim tells."""

    holds: bool | None
    evidence: str
    covers: frozenset[tuple[int, str]] = field(default_factory=frozenset[tuple[int, str]])


def equal(text: str, value: str) -> bool:
    """Whether two canonical texts stand for the same value; 2 and 2.0 count as the same number, 1 and True do not."""
    if text == value:
        return True
    try:
        one, other = parse_value(text), parse_value(value)
    except Unknown:
        return _squeezed(text) == _squeezed(value)
    if (
        isinstance(one, (int, float))
        and isinstance(other, (int, float))
        and not isinstance(one, bool)
        and not isinstance(other, bool)
    ):
        return one == other
    return same(one, other)


def _squeezed(text: str) -> str:
    try:
        return ast.unparse(ast.parse(text, mode="eval"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text


def place(moment: Moment) -> str:
    """Where a moment is, for evidence."""
    where = f"L{moment.line}"
    if moment.visit > 1 or moment.iterations:
        where += f" visit {moment.visit}"
    if moment.depth:
        where += f" in {moment.function} (depth {moment.depth})"
    return where


def origin(timeline: Timeline, name: str, frame: int, event: int) -> Moment | None:
    """The moment that gave the variable the value it has at an event."""
    found = None
    for span in timeline.spans.get(name, ()):
        if span.frame == frame and span.start <= event:
            found = span.moment
        elif span.start > event:
            break
    return found


def covering(timeline: Timeline, name: str, moment: Moment, event: int) -> frozenset[tuple[int, str]]:
    made = origin(timeline, name, moment.frame, event)
    return frozenset({(made.index, name)}) if made is not None else frozenset()


def child_frames(timeline: Timeline, moment: Moment) -> Iterator[Frame]:
    """The frames that the moment's statement called directly."""
    return (frame for frame in timeline.frames.values() if frame.parent is moment)


def matches_call(timeline: Timeline, call: str, frame: Frame, state: dict[str, str]) -> bool:
    """Whether a frame is the call that an expression spells: same function, same arguments where these are known."""
    try:
        node = parse_expression(call)
    except Unknown:
        return False
    if not isinstance(node, ast.Call):
        return False
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if frame.function.split(".")[-1] != name:
        return False
    definition = timeline.source.function(frame.function)
    unspoken = [argument.value for argument in node.args if isinstance(argument, ast.Constant)] == [...]
    if definition is None or (unspoken and len(node.args) == 1):
        return True
    names = [argument.arg for argument in (*definition.args.posonlyargs, *definition.args.args)]
    if isinstance(node.func, ast.Attribute) and names[:1] == ["self"]:
        names = names[1:]
    bound = frame.arguments | _gathered(definition.args, frame.arguments, len(names))
    names += [f"*{position}" for position in range(len(names), len(node.args))]
    given = [*zip(names, node.args, strict=False)]
    for parameter, argument in [*given, *((k.arg, k.value) for k in node.keywords if k.arg)]:
        try:
            if not equal(bound.get(parameter, ""), show(timeline.value(ast.unparse(argument), state))):
                return False
        except Unknown:
            continue
    return all(name in bound for name, _ in given)


def _gathered(shape: ast.arguments, arguments: dict[str, str], before: int) -> dict[str, str]:
    """What `*args` and `**kwargs` hold: by position ("*2") and by name."""
    found: dict[str, str] = {}
    try:
        if shape.vararg is not None:
            items = parse_value(arguments.get(shape.vararg.arg, ""))
            found |= {f"*{position}": show(item) for position, item in enumerate(items, before)}
        if shape.kwarg is not None:
            found |= {name: show(item) for name, item in parse_value(arguments.get(shape.kwarg.arg, "")).items()}
    except Unknown:
        pass
    return found


def run_around(timeline: Timeline, moment: Moment, line: int = 0) -> LoopRun | None:
    """The run of the loop at `line` (else: of the innermost loop) that holds the moment, its exit included."""
    inside = [
        run
        for run in timeline.runs
        if run.frame == moment.frame and run.start <= moment.start <= run.end and (not line or run.line == line)
    ]
    own = [run for run in inside if run.line == moment.line]
    return own[-1] if own else (inside[-1] if inside else None)


def stores(timeline: Timeline, moment: Moment, name: str) -> bool:
    """Whether the moment's statement assigns the name, be it the value it had before."""
    statement = timeline.source.statements.get(moment.line)
    return statement is not None and name in _stored(statement)


@functools.lru_cache(maxsize=4_096)
def _stored(statement: ast.stmt) -> frozenset[str]:
    """The names that a statement may assign or mutate; of a loop, its own targets."""
    if isinstance(statement, (ast.If, ast.While, ast.FunctionDef, ast.ClassDef, ast.Try)):
        return frozenset()
    found: set[str] = set()
    for part in ast.walk(statement.target if isinstance(statement, ast.For) else statement):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.add(part.id)
        owner = part.value if isinstance(part, (ast.Attribute, ast.Subscript)) else None
        written = isinstance(getattr(part, "ctx", None), ast.Store) or isinstance(statement, ast.Expr)
        if written and isinstance(owner, ast.Name):
            found.add(owner.id)
    return frozenset(found)
