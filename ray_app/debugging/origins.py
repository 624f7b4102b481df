"""Why does a variable hold what it holds: the write that gave the value, and what that was computed from.

Read from the record alone: a write is a step that changed the variable, in its frame (of a captured or global variable
in any frame), or the call that gave a parameter. A change that a callee made counts for the statement that called.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ray_app.semantics.record import Change, Frame, Run, Step

OriginKind = Literal["assigned", "bound", "changed", "parameter", "before the call"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from.

    kind  assigned         a statement gave the variable this value
          bound            a loop, a case, a handler or a `with` did
          changed          the object that it holds was changed in place, or by a call
          parameter        the caller gave it; `step` is the call's, None for the entry call
          before the call  the module's code did, before the recorded call began

    `computed` are the step's evaluations (expression, value) in order; `sources` the origins of the variables among
    them, to the depth that was asked for.
    """

    name: str
    value: str
    kind: OriginKind
    step: Step | None = None
    computed: tuple[tuple[str, str], ...] = ()
    sources: tuple["Origin", ...] = ()


def origin(run: Run, step: Step, name: str, *, depth: int = 1) -> Origin | None:
    """The origin of the value that the variable has when the step begins; None where it is not bound then."""
    value = step.before.get(name)
    if value is None:
        return None
    frame = run.frame_of(step)
    found = _write(run, step, name)
    if found is not None:
        write, change = found
        return Origin(name, value, _kind(run, write, change), write, *_computed(run, write, depth))
    if name not in frame.arguments:
        return Origin(name, value, "before the call")
    if frame.caller is None:
        return Origin(name, value, "parameter")
    caller = run.steps[frame.caller]
    return Origin(name, value, "parameter", caller, *_computed(run, caller, depth, _call_of(run, caller, frame)))


def _write(run: Run, step: Step, name: str) -> tuple[Step, Change] | None:
    """The last step before this one that changed the variable, with the change."""
    for index in range(step.index - 1, -1, -1):
        earlier = run.steps[index]
        for change in earlier.changes:
            if change.name == name and _is_same_variable(step, earlier, change):
                return earlier, change
    return None


def _is_same_variable(step: Step, earlier: Step, change: Change) -> bool:
    """A local is its frame's own; what several frames see is known by its name and its value."""
    return earlier.frame == step.frame or (change.scope != "local" and change.after == step.before[change.name])


def _kind(run: Run, write: Step, change: Change) -> OriginKind:
    if change.name in dict(write.bound):
        return "bound"
    node = run.source.nodes[write.node]
    return "assigned" if change.name in set(_targets(node)) else "changed"


def _targets(node: ast.AST) -> Iterator[str]:
    """The names that a statement's own head binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id
        if isinstance(part, ast.alias):
            yield (part.asname or part.name).partition(".")[0]


def _call_of(run: Run, caller: Step, frame: Frame) -> int:
    """The node whose evaluation entered the frame; -1 where none did (a decorator, an operator of a class)."""
    made = (run.evaluations[index] for index in caller.evaluations)
    return next((one.node for one in made if frame.serial in one.frames), -1)


def _computed(
    run: Run, step: Step, depth: int, within: int = -1
) -> tuple[tuple[tuple[str, str], ...], tuple[Origin, ...]]:
    """What the step evaluated (right below and in the node `within`, if given), but for bare names, and where the
    variables in it come from."""
    own = [run.evaluations[index] for index in step.evaluations if run.evaluations[index].step == step.index]
    if within >= 0:
        own = [made for made in own if within in run.source.ancestors(made.node)]
    nodes = [(run.source.nodes[made.node], made.value) for made in own]
    names = dict.fromkeys(node.id for node, _ in nodes if isinstance(node, ast.Name))
    computed = tuple(
        (" ".join(run.source.text(made.node).split()), made.value)
        for made, (node, _) in zip(own, nodes, strict=True)
        if not isinstance(node, ast.Name)
    )
    if depth <= 0:
        return computed, ()
    found = (origin(run, step, name, depth=depth - 1) for name in names)
    return computed, tuple(one for one in found if one is not None)
