"""The buggy run in the narrator's words, as far as it matters, told ever more briefly."""

from collections.abc import Iterator, Sequence

from ray_app.monologue.forward import Line
from ray_app.repair.bug import Bug
from ray_app.repair.chain import leading_to
from ray_app.repair.divergence import Divergence
from ray_app.repair.sections import CUT
from ray_app.semantics.record import Run

_EXCERPTS = ((12, 10), (4, 3))


def whole(bug: Bug, lines: Sequence[Line], found: Divergence) -> Iterator[str]:
    """The whole run, then the steps that led to its result or to the wrong step; nothing for a run without an end."""
    if bug.is_whole:
        yield _text(lines)
        kept = leading_to(bug.failing, [bug.failing.steps[-1], found.wrong])
        yield _text([line for line in lines if line.step in kept])


def excerpts(bug: Bug, lines: Sequence[Line], found: Divergence) -> Iterator[str]:
    """The steps around the wrong one, more and then fewer of them."""
    for before, after in _EXCERPTS:
        yield _excerpt(bug.failing, lines, found.wrong.index, before, after)


def _excerpt(run: Run, lines: Sequence[Line], at: int, before: int, after: int) -> str:
    """So many steps before the wrong one and from it on; CUT ends the text."""
    first = max(0, at - before)
    shown = [line for line in lines if line.step is not None and first <= line.step < at + after]
    begins = "The run comes to these steps." if first else "The run begins like this."
    return "\n".join([begins, _text(shown), *_again(run, first, at + after), CUT])


def _again(run: Run, first: int, last: int) -> Iterator[str]:
    """That a loop's test is met again in the very state in which it was met before, so that nothing can change."""
    seen: dict[tuple[int, int], object] = {}
    tests = [step for step in run.steps[first:last] if step.kind == "test"]
    for step in tests:
        key = step.frame, step.node
        if seen.get(key) == step.before:
            yield f"At L{step.line} all variables are as they were the time before, so this loop never ends."
            return
        seen[key] = step.before


def _text(lines: Sequence[Line]) -> str:
    return "\n".join(line.text for line in lines)
