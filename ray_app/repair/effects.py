"""What a step does that another run may do otherwise: how it comes out, what it hands on, what it writes."""

import ast
from collections.abc import Callable, Sequence
from typing import Literal

from ray_app.semantics.record import Run, Step

Effect = Literal["raise", "test", "return", "element"]


def conditions(run: Run, step: Step) -> list[ast.expr]:
    """What decides how a run goes on from a step: the test of an `if`, a `while` or an `assert`, the guard of a case,
    the conditions of a comprehension."""
    match run.source.nodes[step.node]:
        case ast.comprehension(ifs=tests):
            return tests
        case ast.match_case(guard=ast.expr() as guard):
            return [guard]
        case ast.If(test=test) | ast.While(test=test) | ast.Assert(test=test):
            return [test]
        case _:
            return []


def holds(run: Run, step: Step) -> bool:
    """Whether the conditions of a step come out true, as far as they were reached; so does a step without any."""
    return all(run.truth_of(step, condition) is not False for condition in conditions(run, step))


def handed_out(run: Run, step: Step) -> str | None:
    """The value that a statement returns or yields; None where it does neither, be it the last of its function."""
    match run.source.nodes[step.node]:
        case ast.Return(value=None):
            return "None"
        case ast.Return(value=ast.expr() as given) | ast.Lambda(body=given):
            return value_of(run, step, given)
        case ast.Expr(value=ast.Yield(value=ast.expr() as given)):
            return value_of(run, step, given)
        case _:
            return None


def iterated(run: Run, step: Step) -> str | None:
    """What a `for` statement is about to go over; None where its value cannot be said."""
    node = run.source.nodes[step.node]
    value = value_of(run, step, node.iter) if isinstance(node, ast.For) and step.kind == "statement" else None
    return None if value is None or value.startswith("<") else value


def elements(run: Run, step: Step) -> dict[ast.expr, str]:
    """What a comprehension makes in this iteration of its innermost clause: its element, or its key and value."""
    around = run.source.nodes[run.source.parent(step.node)]
    innermost = getattr(around, "generators", [None])[-1]
    if step.kind != "comprehension" or innermost is not run.source.nodes[step.node]:
        return {}
    parts = [getattr(around, name, None) for name in ("elt", "key", "value")]
    values = {part: value_of(run, step, part) for part in parts if part is not None}
    return {part: value for part, value in values.items() if value is not None}


def value_of(run: Run, step: Step, expression: ast.expr) -> str | None:
    """The value of an expression in a step; of a constant, which is not recorded, its own text."""
    if isinstance(expression, ast.Constant):
        return repr(expression.value)
    found = run.evaluation_in(step, run.source.id_of(expression))
    return found.value if found is not None else None


def around(run: Run, step: Step) -> Step | None:
    """The statement that an iteration, a test, a case or a comprehension belongs to; else the step that called."""
    statement = run.source.statement_of(step.node)
    own = [other for other in run.steps_of(statement, "statement") if other.frame == step.frame]
    begun = [other for other in own if other.index < step.index]
    if step.kind != "statement" and begun:
        return begun[-1]
    caller = run.frame_of(step).caller
    return None if caller is None else run.steps[caller]


def outcome(run: Run, step: Step, names: Sequence[str]) -> dict[str, str]:
    """What two steps may do otherwise, as words and values: what is handed out, what a loop goes over, what a
    comprehension makes, the variables `names`."""
    source, node, after = run.source, run.source.nodes[step.node], step.after
    found = {"return": handed_out(run, step), "yield": handed_out(run, step)}
    if isinstance(node, ast.For):
        found[source.text(source.id_of(node.iter))] = iterated(run, step)
    found |= {source.text(source.id_of(part)): value for part, value in elements(run, step).items()}
    found |= {f"`{name}`": after.get(name) for name in names}
    return {words: value for words, value in found.items() if value is not None}


EFFECTS: tuple[tuple[Effect, Callable[[Run, Step], object]], ...] = (
    ("raise", lambda _, step: step.raised),
    ("test", holds),
    ("return", handed_out),
    ("element", lambda run, step: list(elements(run, step).values())),
)
"""What is compared of two steps, besides the values of variables; the first that differs names the divergence."""
