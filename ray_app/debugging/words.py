"""Steps and origins in words, for a reader who sees nothing else."""

from collections.abc import Iterator

from ray_app.debugging.origins import Origin
from ray_app.semantics.record import Run, Step
from ray_app.semantics.render import step_head, step_line

_GIVEN = {
    "assigned": "assigned by",
    "bound": "bound by",
    "changed": "changed in place by",
    "parameter": "given as an argument by",
}


def outcome(run: Run) -> str:
    """What the call gave, raised and printed."""
    if run.cut:
        return f"{run.call} did not end within the budget of the record; this is its beginning"
    ended = f"raises {run.exception}" if run.exception is not None else f"gives {run.output}"
    return f"{run.call} {ended}" + (f", and prints {run.stdout!r}" if run.stdout else "")


def listing(run: Run, first: int, count: int) -> str:
    """So many steps from the first on, each with its number, function and line."""
    chosen = run.steps[first : first + count]
    lines = [outcome(run), f"steps {first} to {first + len(chosen) - 1} of {len(run.steps)}:"]
    lines += [_numbered(run, step) for step in chosen]
    if first + count < len(run.steps):
        lines.append(f"... go on with first={first + count}")
    return "\n".join(lines)


def where(run: Run, step: Step) -> str:
    """A step as a debugger shows it: the place, the variables, what it does, and what it calls."""
    lines = [_numbered(run, step), f"variables before: {_variables(step)}"]
    if step.loops:
        lines.append(f"loops around it: {', '.join(_loops(run, step))}")
    lines += [f"calls {_called(run, frame.serial)}" for frame in run.callees(step)]
    return "\n".join(lines)


def why(run: Run, found: Origin, indent: str = "") -> str:
    """An origin, and under it the origins of what it was computed from."""
    lines = [f"{indent}{found.name} is {found.value}: {_reason(run, found)}"]
    lines += [f"{indent}    {text} -> {value}" for text, value in found.computed]
    if found.step is not None and found.kind != "parameter":
        lines += [f"{indent}    calls {_called(run, frame.serial)}" for frame in run.callees(found.step)]
    return "\n".join([*lines, *(why(run, source, indent + "    ") for source in found.sources)])


def _reason(run: Run, found: Origin) -> str:
    if found.step is None:
        return "given by the call itself" if found.kind == "parameter" else "set by the module before the call"
    function = run.frame_of(found.step).function
    return f"{_GIVEN[found.kind]} [{found.step.index}] {function} {step_head(run, found.step)}"


def _numbered(run: Run, step: Step) -> str:
    return f"[{step.index}] {run.frame_of(step).function} {step_line(run, step)}"


def _called(run: Run, serial: int) -> str:
    frame = run.frames[serial]
    given = ", ".join(f"{name} = {text}" for name, text in frame.arguments.items())
    ended = {"return": "returns", "raise": "raises", "suspended": "is suspended", "cut": "was still running"}[frame.end]
    steps = f", steps {frame.steps[0]} to {frame.steps[-1]}" if frame.steps else ""
    return f"{frame.function}({given}): {ended}{f' {frame.value}' if frame.value is not None else ''}{steps}"


def _variables(step: Step) -> str:
    return ", ".join(f"{name} = {value}" for name, value in step.before.items()) or "none"


def _loops(run: Run, step: Step) -> Iterator[str]:
    for node, iteration in step.loops:
        yield f"line {run.source.line(node)}, iteration {iteration}"
