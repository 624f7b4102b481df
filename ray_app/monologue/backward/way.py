"""The way back in a recorded run: what returned, and who last wrote each variable on the way to the parameters.

The last write of a variable is the last statement that binds it or may change its object, whether the value then was
another or not; never the last change that mattered.
"""

import ast
from dataclasses import dataclass

from ray_app.monologue.backward.definitions import MUTATORS, names_in
from ray_app.semantics.record import Run, Step

MAX_WRITES = 4
_MAX_STATEMENT = 100
_PLAIN = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Delete)


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
    """The last writes of what the entry's result depends on, followed back to its parameters, latest first."""
    steps = [run.steps[index] for index in run.frames[0].steps]
    at = max((place for place, step in enumerate(steps) if _is_return(run, step)), default=-1)
    if at < 0:
        return Way(None, ())
    written = _last_writes(run, steps[:at])
    waiting, seen = sorted(_read(run, steps[at])), set[str]()
    while waiting:
        name = waiting.pop(0)
        if name not in seen and name in written:
            waiting += sorted(_read(run, steps[written[name]]))
        seen.add(name)
    # Where a loop's target was set last says little: at the loop's last item.
    # That a function is defined says nothing.
    said = [(place, name) for name, place in written.items() if name in seen and _is_telling(run, steps[place])]
    latest = sorted(said, reverse=True)
    return Way(steps[at], tuple(_write(run, name, steps[place]) for place, name in latest[:MAX_WRITES]))


def _is_telling(run: Run, step: Step) -> bool:
    defines = isinstance(run.source.nodes[step.node], (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    return step.kind != "iteration" and not defines


def _is_return(run: Run, step: Step) -> bool:
    return step.kind == "statement" and isinstance(run.source.nodes[step.node], ast.Return)


def _last_writes(run: Run, steps: list[Step]) -> dict[str, int]:
    """Variable -> the place of the last step that wrote it."""
    return {name: place for place, step in enumerate(steps) for name in sorted(written_by(run, step))}


def written_by(run: Run, step: Step) -> set[str]:
    """The names that a step binds, or whose objects it changed or asks to change."""
    changed = {change.name for change in step.changes if change.scope == "local"}
    bound = {name for name, _ in step.bound}
    return changed | bound | (_writes_of(run.source.nodes[step.node]) if step.kind == "statement" else set())


def _writes_of(node: ast.AST) -> set[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    heads: list[ast.AST] = [node] if isinstance(node, _PLAIN) else []
    if isinstance(node, ast.With):
        heads = [item.optional_vars for item in node.items if item.optional_vars]
    found: set[str] = set()
    for part in (part for head in heads for part in ast.walk(head)):
        is_store = not isinstance(getattr(part, "ctx", ast.Load()), ast.Load)
        if isinstance(part, ast.Name) and is_store:
            found.add(part.id)
        owner = part.value if isinstance(part, (ast.Subscript, ast.Attribute)) else None
        asks = is_store or (isinstance(part, ast.Attribute) and part.attr in MUTATORS)
        if isinstance(owner, ast.Name) and asks:
            found.add(owner.id)
    return found


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
    loop, iteration = around[-1] if around else (-1, 0)
    line = run.source.line(loop) if loop >= 0 else 0
    return Write(name, step, head_text(run, step.node), line, iteration)


def head_text(run: Run, node: int) -> str:
    """A statement's text if it stands on one line, else its first line; "" where that cannot be quoted."""
    text = run.source.text(node).split("\n")[0].strip().removesuffix(":")
    text = f"case {text}" if isinstance(run.source.nodes[node], ast.match_case) else text
    return text if "`" not in text and len(text) <= _MAX_STATEMENT else ""
