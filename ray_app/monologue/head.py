"""What is said before a run: the shape of the function that is called, and what held throughout its run.

Few statements, each of which can be checked: how many parameters and `return` statements of its own the function has,
and for at most two of its variables that they never went down, up, or got shorter.
"""

import ast
import itertools
from collections.abc import Iterator

from ray_app.monologue.texts import is_capped, is_stateable, size
from ray_app.semantics.record import Frame, Run, Step

_MOST = 2
_FEWEST_VALUES = 3


def head(run: Run) -> list[str]:
    """The sentences before the first step."""
    entered = [frame for frame in run.frames if frame.caller is None]  # arguments may call, too, before the entry
    frame = entered[-1] if entered else None
    if frame is None or frame.node < 0:
        return []
    node = run.source.nodes[frame.node]
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return []
    return [shape(node), *[f"During this run {held}." for held in invariants(run, frame)]]


def shape(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """How many parameters and `return` statements a function has."""
    spelled = node.args
    parameters = (*spelled.posonlyargs, *spelled.args, spelled.vararg, *spelled.kwonlyargs, spelled.kwarg)
    names = [found.arg for found in parameters if found is not None]
    count = sum(1 for _ in own_returns(node))
    returns = f"{count or 'no'} `return` statement{'' if count < 2 else 's'}"
    if not names:
        return f"`{node.name}` has no parameters and {returns}."
    listed = _listed([f"`{name}`" for name in names])
    return f"`{node.name}` has {len(names)} parameter{'' if len(names) == 1 else 's'}, {listed}, and {returns}."


def own_returns(node: ast.AST) -> Iterator[ast.Return]:
    """The `return` statements that leave the function itself, not one that is defined in it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Return):
            yield child
        elif not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            yield from own_returns(child)


def invariants(run: Run, frame: Frame) -> list[str]:
    """What held for variables that took several values: every value that the record shows of a name counts."""
    found: list[str] = []
    several = {name: values for name, values in _histories(run, frame).items() if len(values) >= _FEWEST_VALUES}
    targets = _loop_names(run) if several else set[str]()
    for name, values in several.items():
        if name not in targets:
            found += _held(name, values)
    return found[:_MOST]


def _loop_names(run: Run) -> set[str]:
    """Names that loops bind: that they run through their items is no discovery."""
    loops = [node.target for node in run.source.nodes if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension))]
    return {inner.id for loop in loops for inner in ast.walk(loop) if isinstance(inner, ast.Name)}


def _histories(run: Run, frame: Frame) -> dict[str, list[str]]:
    """Every value that a name of the frame held, in order, whatever bound it."""
    found: dict[str, list[str]] = {}
    for step in (run.steps[index] for index in frame.steps):
        for name, value in (*_begins(step, frame), *((change.name, change.after or "") for change in step.changes)):
            values = found.setdefault(name, [])
            if not values or values[-1] != value:
                values.append(value)
    return found


def _begins(step: Step, frame: Frame) -> list[tuple[str, str]]:
    """The values that are there before the frame's first step."""
    return list(step.before.items()) if step.index == frame.steps[0] else []


def _held(name: str, values: list[str]) -> list[str]:
    """The statement that holds for a sequence of values, if one does."""
    if any(is_capped(value) or not is_stateable(value) for value in values):
        return []
    if all(_is_integer(value) for value in values):
        numbers = [int(value) for value in values]
        return _monotone(name, numbers, "decreases", "increases")
    sizes = [size(value) for value in values]
    if None in sizes or any(value[:1] != values[0][:1] for value in values):
        return []
    return _monotone(name, [length or 0 for length in sizes], "gets shorter", "gets longer")


def _monotone(name: str, numbers: list[int], down: str, up: str) -> list[str]:
    steps = list(itertools.pairwise(numbers))
    if all(before <= after for before, after in steps):
        return [f"`{name}` never {down}"]
    return [f"`{name}` never {up}"] if all(before >= after for before, after in steps) else []


def _is_integer(text: str) -> bool:
    return text.removeprefix("-").isdigit()


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
