"""A narrator broken in twenty ways: it reads a record in which one thing is wrong, and writes what it reads.

What it then writes is false of the run, in sentences that are its own; the verifier, which shares no code with it, has
to refuse them. A breakage gives None where the run has no room for it. A returned value is not broken as an expression:
the narrator would fall back on what the frame returned, and what it writes would be true.
"""

import ast
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from ray_app.semantics.record import Change, Evaluation, Run, Step

Breakage = Callable[[Run, random.Random], Run | None]


def _other(value: str) -> str:
    """Another value of the same kind."""
    if value in ("True", "False"):
        return str(value == "False")
    if value.lstrip("-").isdigit():
        return str(int(value) + 1)
    if value.startswith("'") and len(value) < 60:
        return f"'z{value[1:]}"
    return f"{value[:-1]}, 99]" if value.startswith("[") and len(value) > 2 else "12345"


def _with_step(run: Run, step: Step) -> Run:
    return replace(run, steps=(*run.steps[: step.index], step, *run.steps[step.index + 1 :]))


def _with_evaluation(run: Run, found: Evaluation) -> Run:
    before, after = run.evaluations[: found.index], run.evaluations[found.index + 1 :]
    return replace(run, evaluations=(*before, found, *after))


def _chosen_step(run: Run, rng: random.Random, fits: Callable[[Step], bool]) -> Step | None:
    fitting = [step for step in run.steps if fits(step)]
    return rng.choice(fitting) if fitting else None


def _chosen(run: Run, rng: random.Random, kinds: tuple[type[ast.AST], ...]) -> Evaluation | None:
    fitting = [
        one
        for one in run.evaluations
        if isinstance(run.source.nodes[one.node], kinds)
        and not isinstance(run.source.nodes[run.source.parent(one.node)], (ast.Return, ast.Lambda, ast.Yield))
    ]
    return rng.choice(fitting) if fitting else None


def wrong_change(run: Run, rng: random.Random) -> Run | None:
    """A variable gets another value than it got, and its expression too."""
    step = _chosen_step(run, rng, lambda step: any(change.after for change in step.changes))
    if step is None:
        return None
    changes = tuple(replace(change, after=_other(change.after or "")) for change in step.changes)
    for index in step.evaluations:
        found = run.evaluations[index]
        if any(change.after == found.value for change in step.changes):
            run = _with_evaluation(run, replace(found, value=_other(found.value)))
    return _with_step(run, replace(step, changes=changes))


def stale_value(run: Run, rng: random.Random) -> Run | None:
    """An expression has the value that it had the time before."""
    pairs = [(one, again) for one, again in _repeated(run) if one.value != again.value]
    if not pairs:
        return None
    before, now = rng.choice(pairs)
    return _with_evaluation(run, replace(now, value=before.value))


def _repeated(run: Run) -> list[tuple[Evaluation, Evaluation]]:
    latest: dict[int, Evaluation] = {}
    found: list[tuple[Evaluation, Evaluation]] = []
    for evaluation in run.evaluations:
        if evaluation.node in latest and not isinstance(run.source.nodes[evaluation.node], (ast.Name, ast.stmt)):
            found.append((latest[evaluation.node], evaluation))
        latest[evaluation.node] = evaluation
    return found


def _value_of(*kinds: type[ast.AST]) -> Breakage:
    def broken(run: Run, rng: random.Random) -> Run | None:
        found = _chosen(run, rng, kinds)
        return None if found is None else _with_evaluation(run, replace(found, value=_other(found.value)))

    return broken


def swapped_branch(run: Run, rng: random.Random) -> Run | None:
    """A condition comes out the other way round."""
    fitting = [one for one in run.evaluations if one.truth is not None and one.value in ("True", "False")]
    if not fitting:
        return None
    found = rng.choice(fitting)
    return _with_evaluation(run, replace(found, value=str(not found.truth), truth=not found.truth))


def wrong_truth(run: Run, rng: random.Random) -> Run | None:
    """A condition has its value, and is taken for the opposite."""
    tests = (ast.If, ast.While)
    fitting = [
        one
        for one in run.evaluations
        if one.truth is not None and isinstance(run.source.nodes[run.source.parent(one.node)], tests)
    ]
    if not fitting:
        return None
    found = rng.choice(fitting)
    return _with_evaluation(run, replace(found, truth=not found.truth))


def wrong_argument(run: Run, rng: random.Random) -> Run | None:
    """A parameter is bound to another value."""
    fitting = [frame for frame in run.frames if frame.arguments]
    if not fitting:
        return None
    frame = rng.choice(fitting)
    name = rng.choice(list(frame.arguments))
    other = replace(frame, arguments={**frame.arguments, name: _other(frame.arguments[name])})
    return replace(run, frames=(*run.frames[: frame.serial], other, *run.frames[frame.serial + 1 :]))


def wrong_return(run: Run, rng: random.Random) -> Run | None:
    """A frame ends with another value."""
    fitting = [at for at, one in enumerate(run.crossings) if one.kind == "return" and one.value]
    if not fitting:
        return None
    at = rng.choice(fitting)
    other = replace(run.crossings[at], value=_other(run.crossings[at].value or ""))
    return replace(run, crossings=(*run.crossings[:at], other, *run.crossings[at + 1 :]))


def wrong_binding(run: Run, rng: random.Random) -> Run | None:
    """A loop, a case or a handler binds another value."""
    step = _chosen_step(run, rng, lambda step: bool(step.bound))
    if step is None:
        return None
    return _with_step(run, replace(step, bound=tuple((name, _other(value)) for name, value in step.bound)))


def previous_binding(run: Run, rng: random.Random) -> Run | None:
    """An iteration binds what the one before bound."""
    rounds = [step for step in run.steps if step.kind in ("iteration", "comprehension")]
    pairs = [(a, b) for a, b in itertools.pairwise(rounds) if a.node == b.node and a.bound != b.bound]
    if not pairs:
        return None
    before, now = rng.choice(pairs)
    return _with_step(run, replace(now, bound=before.bound))


def wrong_number(run: Run, rng: random.Random) -> Run | None:
    """An iteration is counted one too high."""
    step = _chosen_step(run, rng, lambda step: step.kind == "iteration")
    if step is None:
        return None
    loop, number = step.loops[-1]
    return _with_step(run, replace(step, loops=(*step.loops[:-1], (loop, number + 1))))


def wrong_line(run: Run, rng: random.Random) -> Run | None:
    """A step is said to be on the line of another one."""
    step = _chosen_step(run, rng, lambda step: bool(step.changes) and step.kind == "statement")
    others = [] if step is None else [other.line for other in run.steps if other.line != step.line]
    return None if step is None or not others else _with_step(run, replace(step, line=rng.choice(others)))


def _is_call(run: Run, step: Step) -> bool:
    return isinstance(run.source.nodes[step.node], (ast.Expr, ast.Delete))


def renamed_variable(run: Run, rng: random.Random) -> Run | None:
    """What one variable gets is said of another."""
    step = _chosen_step(run, rng, lambda step: len(step.before) > 1 and _is_call(run, step) and bool(step.changes))
    if step is None:
        return None
    changed = {change.name for change in step.changes}
    others = [name for name in step.before if name not in changed and step.before[name] != step.changes[0].after]
    if not others:
        return None
    first: Change = replace(step.changes[0], name=rng.choice(others), aliases=())
    return _with_step(run, replace(step, changes=(first, *step.changes[1:])))


def wrong_exception(run: Run, rng: random.Random) -> Run | None:
    """Another exception leaves a step."""
    silent = ("GeneratorExit", "StopIteration", "StopAsyncIteration")
    step = _chosen_step(run, rng, lambda step: step.raised is not None and not step.raised.startswith(silent))
    return None if step is None else _with_step(run, replace(step, raised="RuntimeError: something else"))


def wrong_output(run: Run, rng: random.Random) -> Run | None:
    """The answer is another one."""
    return replace(run, output=_other(run.output)) if run.output else None


def swapped_steps(run: Run, rng: random.Random) -> Run | None:
    """Two changes of one frame are told in each other's place."""
    told = [step for step in run.steps if step.changes and _is_call(run, step)]
    pairs: Sequence[tuple[Step, Step]] = [
        (a, b) for a, b in itertools.pairwise(told) if a.frame == b.frame and a.changes != b.changes
    ]
    if not pairs:
        return None
    first, second = rng.choice(pairs)
    run = _with_step(run, replace(first, changes=second.changes))
    return _with_step(run, replace(second, changes=first.changes))


BREAKAGES: dict[str, Breakage] = {
    "wrong change": wrong_change,
    "stale value": stale_value,
    "wrong arithmetic": _value_of(ast.BinOp),
    "wrong comparison": _value_of(ast.Compare),
    "wrong call": _value_of(ast.Call),
    "wrong subscript": _value_of(ast.Subscript),
    "wrong sum": _value_of(ast.AugAssign),
    "wrong comprehension": _value_of(ast.ListComp, ast.SetComp, ast.DictComp),
    "wrong boolean": _value_of(ast.BoolOp, ast.UnaryOp),
    "swapped branch": swapped_branch,
    "wrong truth": wrong_truth,
    "wrong argument": wrong_argument,
    "wrong return": wrong_return,
    "wrong binding": wrong_binding,
    "previous binding": previous_binding,
    "wrong number": wrong_number,
    "wrong line": wrong_line,
    "renamed variable": renamed_variable,
    "wrong exception": wrong_exception,
    "wrong output": wrong_output,
    "swapped steps": swapped_steps,
}
