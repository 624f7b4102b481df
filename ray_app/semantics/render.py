"""A record as text for people: every step on a line, indented by calls, with what was evaluated and what changed."""

from collections.abc import Iterator

from ray_app.semantics.record import Change, Crossing, Evaluation, Run, Step

_HEADS = {
    "iteration": "iteration",
    "test": "test",
    "case": "matches",
    "handler": "is handled",
    "finally": "finally",
    "comprehension": "iteration",
}


def render(run: Run) -> str:
    """The steps in the order in which they began, between the calls and returns that lie between them."""
    lines: list[str] = []
    depth = 0
    for entry in _in_order(run):
        if isinstance(entry, Step):
            lines.append("    " * depth + step_line(run, entry))
            continue
        goes_in = entry.kind in ("call", "resume")
        depth -= 0 if goes_in else 1
        lines.append("    " * depth + _crossing(run, entry))
        depth += 1 if goes_in else 0
    result = f"raises {run.exception}" if run.exception else f"gives {run.output}"
    printed = [f"prints {run.stdout!r}"] if run.stdout else []
    return "\n".join([*lines, f"{run.call} {result}", *printed])


def _in_order(run: Run) -> Iterator[Step | Crossing]:
    crossings = [crossing for crossing in run.crossings if crossing.kind != "exit"]
    at = 0
    for step in run.steps:
        while at < len(crossings) and crossings[at].begun <= step.index:
            yield crossings[at]
            at += 1
        yield step
    yield from crossings[at:]


def _crossing(run: Run, crossing: Crossing) -> str:
    frame = run.frames[crossing.frame]
    if crossing.kind == "call":
        given = ", ".join(f"{name} = {text}" for name, text in frame.arguments.items())
        return f"{frame.function}({given})"
    if crossing.kind == "resume":
        return f"{frame.function} goes on"
    words = {"return": "returns", "raise": "raises", "yield": "yields"}
    return f"{frame.function} {words[crossing.kind]} {crossing.value}"


def step_line(run: Run, step: Step) -> str:
    """One step: where it begins, what was evaluated, and what it changed."""
    parts = [_evaluation(run, run.evaluations[index]) for index in step.evaluations if _is_own(run, step, index)]
    bound = dict(step.bound)
    parts += [_change(change) for change in step.changes if bound.get(change.name) != change.after]
    if step.raised:
        parts.append(f"raises {step.raised}")
    return step_head(run, step) + ("  |  " + "; ".join(parts) if parts else "")


def step_head(run: Run, step: Step) -> str:
    """Where a step begins and what begins there, on one line."""
    place = f"L{step.line}"
    if step.kind == "statement":
        return f"{place}  {run.source.text(step.node).partition(chr(10))[0]}"
    number = f" {step.loops[-1][1]}" if step.kind in ("iteration", "test", "comprehension") else ""
    bound = ", ".join(f"{name} = {text}" for name, text in step.bound)
    return f"{place}  {_HEADS[step.kind]}{number}{': ' if bound else ''}{bound}"


def _is_own(run: Run, step: Step, index: int) -> bool:
    """Whether the evaluation stands for itself here: it belongs to no inner step, and is more than a name's value."""
    made = run.evaluations[index]
    return made.step == step.index and not run.source.text(made.node).isidentifier()


def _evaluation(run: Run, made: Evaluation) -> str:
    truth = "" if made.truth is None or made.value in ("True", "False") else f" ({'true' if made.truth else 'false'})"
    return f"{' '.join(run.source.text(made.node).split())} -> {made.value}{truth}"


def _change(change: Change) -> str:
    also = f" (also {', '.join(change.aliases)})" if change.aliases else ""
    return f"{change.name} is unbound" if change.after is None else f"{change.name} = {change.after}{also}"
