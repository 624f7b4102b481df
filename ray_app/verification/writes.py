"""Which step of a run wrote a variable last: one that bound it, changed its object, or called a method that changes."""

import ast
from collections.abc import Iterator

from ray_app.semantics.record import Run, Step

_CHANGING = frozenset(
    {"append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "update", "setdefault", "popitem"}
    | {"add", "discard", "appendleft", "extendleft", "popleft", "rotate", "subtract"}
)
_SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete, ast.Expr)


def last_write(run: Run, name: str) -> Step | None:
    """The last step of the entry's frame that wrote the variable."""
    steps = [run.steps[index] for index in run.frames[0].steps]
    return next((step for step in reversed(steps) if _writes(run, step, name)), None)


def _writes(run: Run, step: Step, name: str) -> bool:
    if any(change.name == name for change in step.changes) or name in dict(step.bound):
        return True
    return step.kind == "statement" and name in set(written_in(run.source.nodes[step.node]))


def written_in(node: ast.AST) -> Iterator[str]:
    """The names that a statement's text writes, by itself."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield node.name
    parts = ast.walk(node) if isinstance(node, _SIMPLE) else iter(())
    if isinstance(node, ast.With):
        parts = (part for item in node.items if item.optional_vars for part in ast.walk(item.optional_vars))
    for part in parts:
        stored = isinstance(getattr(part, "ctx", None), (ast.Store, ast.Del))
        changes = stored or (isinstance(part, ast.Attribute) and part.attr in _CHANGING)
        owner = part.value if isinstance(part, (ast.Attribute, ast.Subscript)) else part
        if isinstance(owner, ast.Name) and changes:
            yield owner.id
