"""The step where the buggy run goes wrong, and what its counterpart in a correct run does, in the narrator's words."""

import ast
import re
from collections.abc import Sequence

from ray_app.monologue.forward import Line
from ray_app.repair.divergence import Divergence
from ray_app.repair.effects import around, elements, handed_out, iterated
from ray_app.repair.narration.naming import code
from ray_app.semantics.record import Run, Step

_LABEL = re.compile(r"\s*(\[L\d+\]) (.*?)\.?$", re.DOTALL)
_CONTINUED = {
    "Call": "the call",
    "The": "the",
    "No": "no",
    "There": "there",
    "Iteration": "iteration",
    "Comprehension": "comprehension",
    "Generator": "generator",
}
"""How a line begins that does not begin a sentence."""


def wrong_step(run: Run, lines: Sequence[Line], found: Divergence) -> str:
    """What the buggy run does at the wrong step, with its place; "" where the narrator has no line on it."""
    told = _lines_on(run, lines, found.wrong, found)
    if not told:
        return ""
    if found.follows is not None and not found.early:
        told[-1] += f"; this is right so far, but then the run goes on to L{found.follows.line}"
        told += _texts(lines, found.follows)
    first, *others = told
    return "\n".join(
        f"{line}." for line in [*_call(run, lines, found.wrong), _placed(run, first, found.wrong), *others]
    )


def correct_step(run: Run, lines: Sequence[Line], found: Divergence) -> str:
    """What the correct run does at the same point, without its line, which is that of another program."""
    told = [clause for guard in found.guards for clause in _texts(lines, guard)]
    told += _lines_on(run, lines, found.right, found)
    words = [_continued(_LABEL.sub(r"\2", line)) for line in dict.fromkeys(told)]
    return f"here {'; '.join(['; then '.join(words), *_unsaid(run, found, words[-1])])}." if words else ""


def _state(run: Run, found: Divergence, step: Step) -> dict[str, str]:
    """What a step is about that has no line since it does nothing new: what a loop goes over, or variables."""
    node = run.source.nodes[step.node]
    over = iterated(run, step)
    if isinstance(node, ast.For) and over is not None:
        return {code(run.source, run.source.id_of(node.iter)): over}
    return {f"`{name}`": step.after[name] for name in found.names if name in step.after}


def _unsaid(run: Run, found: Divergence, said: str) -> list[str]:
    """What is right here and the words on the step leave out: a variable that does not change, an element."""
    state = _state(run, found, found.right) if found.kind != "loop" else {}
    values = {span: value for span, value in state.items() if span not in said}
    if found.kind == "element":
        made = elements(run, found.right).items()
        values = {code(run.source, run.source.id_of(node)): value for node, value in made}
    return [f"{span} is {value}" for span, value in values.items() if span and not said.endswith(f" {value}")]


def _continued(words: str) -> str:
    """A line's words where they do not begin a sentence."""
    first, _, rest = words.partition(" ")
    return f"{_CONTINUED.get(first, first)} {rest}"


def _lines_on(run: Run, lines: Sequence[Line], step: Step, found: Divergence) -> list[str]:
    """The lines that say what matters of a step; those on what is around it where it has none of its own."""
    told, outer = _texts(lines, step), around(run, step)
    if found.kind == "call":
        # The arguments are worked out before the call; how it begins is told on the line of the function.
        entered = [run.steps[frame.steps[0]] for frame in run.callees(step) if frame.steps]
        begins = [at for at, line in enumerate(lines) if entered and line.step == entered[-1].index]
        return [*_texts(lines[: begins[0]], step)[-1:], *_texts(lines, entered[-1], at=0)[:1]] if begins else []
    if not told and outer is not None and (step.kind != "statement" or run.frame_of(step).function.endswith(">")):
        return _lines_on(run, lines, outer, found)
    if not told:
        state = [f"{span} is {value}" for span, value in _state(run, found, step).items()]
        return [f"[L{step.line}] {'; '.join(state)}"] if state else []
    if step.kind == "iteration" or found.kind == "loop":
        return told[:1]
    if step.raised:
        # The line after says that the exception leaves the function.
        return [next((text for text in told if step.raised.partition(":")[0] in text), told[-1])]
    handed = handed_out(run, step) or ""
    return [next((text for text in reversed(told) if text.endswith(handed)), told[-1])]


def _texts(lines: Sequence[Line], step: Step, at: int | None = None) -> list[str]:
    """The lines about a step that bear its label, without indentation and final point; `at` 0: whatever their label."""
    label = f"[L{step.line}]" if at is None else ""
    texts = [line.text.strip().removesuffix(".") for line in lines if line.step == step.index]
    return [text for text in texts if text.startswith(label)]


def _call(run: Run, lines: Sequence[Line], step: Step) -> list[str]:
    """The line on which the call began that a step lies in, where it is not the one of the test."""
    frame = run.frame_of(step)
    is_called = frame.caller is not None and not frame.function.endswith(">")
    return _texts(lines, run.steps[frame.steps[0]], at=0)[:1] if is_called else []


def _placed(run: Run, line: str, step: Step) -> str:
    """A line with the iterations that its step lies in; those of its own loop it says itself."""
    own = step.kind in ("iteration", "test", "comprehension")
    loops = step.loops[:-1] if own else step.loops
    around_it = [
        (run.source.line(node), number) for node, number in loops if isinstance(run.source.nodes[node], ast.stmt)
    ]
    named = [f"iteration {number} of the loop on L{loop}" for loop, number in around_it]
    return line if not named else _LABEL.sub(rf"\1 In {', in '.join(named)}: \2", line)
