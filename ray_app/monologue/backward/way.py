"""The way back in a recorded run: what returned, and who last wrote each variable on the way to the parameters.

The last write of a variable is the last statement that binds it or may change its object, whether the value then was
another or not; never the last change that mattered.
"""

import ast
import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from ray_app.monologue.backward.definitions import names_in, touched_by
from ray_app.semantics.record import Run, Step

MAX_WRITES = 5
_MAX_STATEMENT = 100


@dataclass(frozen=True, slots=True)
class Write:
    """The last write of `name` before what needs it; `statement` is its text, `loop` the line of the loop around it."""

    name: str
    step: Step
    statement: str
    loop: int
    iteration: int


@dataclass(frozen=True, slots=True)
class Way:
    """`returning`: the step of the entry's `return`, None where it ended without one. Latest write first."""

    returning: Step | None
    writes: tuple[Write, ...]


def way_back(run: Run) -> Way:
    """From the entry's result back to its parameters, at most `MAX_WRITES` writes."""
    steps = [run.steps[index] for index in run.frames[0].steps]
    at = max((place for place, step in enumerate(steps) if _is_return(run, step)), default=-1)
    if at < 0:
        return Way(None, ())
    found: list[Write] = []
    waiting = [(-place, name) for name in sorted(_read(run, steps[at])) for place in _last_write(run, steps, name, at)]
    heapq.heapify(waiting)
    seen: set[tuple[int, str]] = set()
    while waiting and len(found) < MAX_WRITES:
        place, name = heapq.heappop(waiting)
        if (place, name) in seen:
            continue
        seen.add((place, name))
        step = steps[-place]
        if not any(write.step is step or (write.step.node, write.name) == (step.node, name) for write in found):
            found.append(_write(run, name, step))
        for other in sorted(_read(run, step)):
            for earlier in _last_write(run, steps, other, -place):
                heapq.heappush(waiting, (-earlier, other))
    return Way(steps[at], tuple(found))


def _is_return(run: Run, step: Step) -> bool:
    return step.kind == "statement" and isinstance(run.source.nodes[step.node], ast.Return)


def _last_write(run: Run, steps: list[Step], name: str, before: int) -> Iterator[int]:
    """The place of the last write of `name`, where there is one."""
    for place in range(before - 1, -1, -1):
        if name in written_by(run, steps[place]):
            yield place
            return


def written_by(run: Run, step: Step) -> set[str]:
    """The names that a step binds, or whose objects it changed or may have changed."""
    changed = {change.name for change in step.changes if change.scope == "local"}
    bound = {name for name, _ in step.bound}
    return changed | bound | (_writes_of(run.source.nodes[step.node]) if step.kind == "statement" else set())


def _writes_of(node: ast.AST) -> set[str]:
    match node:
        case ast.Assign() | ast.AugAssign() | ast.AnnAssign() | ast.Expr() | ast.Delete():
            written = touched_by(node)
            # A function that is given an object may change it; whether it did, the record's changes say.
            calls = [part for part in ast.walk(node) if isinstance(part, ast.Call)]
            given = {name for call in calls for part in (*call.args, *call.keywords) for name in names_in(part)}
            stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
            called = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
            return (written - given - called) | stored
        case ast.With():
            return {name for item in node.items if item.optional_vars for name in names_in(item.optional_vars)}
        case ast.FunctionDef() | ast.ClassDef():
            return {node.name}
        case _:
            return set()


def _read(run: Run, step: Step) -> set[str]:
    """The variables of the frame that a step reads: of a compound statement only its head."""
    node = run.source.nodes[step.node]
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return set()
    heads: list[ast.AST] = [part for part in _heads(node) if part is not None]
    names = {name for head in heads for name in names_in(head)}
    return {name for name in names if name in step.before}


def _heads(node: ast.AST) -> list[ast.AST | None]:
    match node:
        case ast.For():
            return [node.iter]
        case ast.While() | ast.If():
            return [node.test]
        case ast.With():
            return [item.context_expr for item in node.items]
        case ast.match_case() | ast.ExceptHandler() | ast.Try():
            return []
        case ast.Match():
            return [node.subject]
        case _:
            return [node]


def _write(run: Run, name: str, step: Step) -> Write:
    around = [loop for loop in step.loops if isinstance(run.source.nodes[loop[0]], (ast.For, ast.While))]
    if step.kind == "iteration":
        around = around[:-1]
    loop, iteration = around[-1] if around else (-1, 0)
    line = run.source.line(loop) if loop >= 0 else 0
    return Write(name, step, head_text(run, step.node), line, iteration)


def head_text(run: Run, node: int) -> str:
    """A statement's text if it stands on one line, else its first line; "" where that cannot be quoted."""
    text = run.source.text(node).split("\n")[0].strip().removesuffix(":")
    return text if "`" not in text and len(text) <= _MAX_STATEMENT else ""
