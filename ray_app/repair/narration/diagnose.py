"""A narrated diagnosis, as one explains a bug to a rubber duck: what should come out and what does, the run step by
step, the first step that goes wrong, what a correct run has there, why, and what to change.

Nothing in it comes from anywhere but the two recorded runs and the two versions of the code; `verify` checks it again.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from ray_app.monologue.forward import Detail, Line, Narrator
from ray_app.monologue.refusal import RefusalError
from ray_app.repair.bug import Bug
from ray_app.repair.changes import Comparison
from ray_app.repair.divergence import Divergence
from ray_app.repair.narration.cause import causes
from ray_app.repair.narration.remedy import fixes
from ray_app.repair.narration.simulation import excerpts, whole
from ray_app.repair.narration.steps import correct_step, wrong_step
from ray_app.repair.sections import join
from ray_app.semantics.record import Run

Simulations = Callable[[Bug, Sequence[Line], Divergence], Iterator[str]]
_LEVELS: tuple[tuple[Simulations, Detail], ...] = ((whole, 1), (whole, 3), (excerpts, 1), (excerpts, 3))
"""What is told of the run, and with how many operations at most between two values that are stated."""


def diagnoses(bug: Bug) -> Iterator[str]:
    """The diagnosis of a bug, told ever more briefly; nothing where the runs show no difference that can be told."""
    found = bug.divergence
    if found is None or not bug.programs.changes:
        return
    for simulations, detail in _LEVELS:
        yield from _told(bug, found, simulations, detail)


def _told(bug: Bug, found: Divergence, simulations: Simulations, detail: Detail) -> Iterator[str]:
    """The diagnosis with so much detail, once for each simulation."""
    failing = _lines(bug.failing, detail)
    wrong = wrong_step(bug.failing, failing, found)
    correct = correct_step(bug.right, _lines(bug.right, detail), found)
    call = f"`{bug.right.call}`" if "`" not in bug.right.call else "the call"
    for simulation in simulations(bug, failing, found) if wrong and correct else ():
        yield join(
            {
                "expected": f"{call} should return {bug.right.output}.",
                "actual": _actual(bug.failing),
                "simulation": simulation,
                "wrong": wrong,
                "correct": correct,
                "cause": f"{_elsewhere(bug.failing, found, bug.programs)}{causes(bug.programs)}",
                "fix": f"{fixes(bug.programs)}\nThen {call} returns {bug.right.output}, as the test demands.",
            }
        )


def _lines(run: Run, detail: Detail) -> list[Line]:
    """The narrator's lines, as far as it can tell the run; one into a call counts to the first step there."""
    narrator = Narrator(run, "prose", detail)
    with contextlib.suppress(RefusalError):
        narrator.narrate()
    following: int | None = None
    placed: list[Line] = []
    for line in reversed(narrator.lines):
        following = following if line.step is None else line.step
        placed.append(Line(line.text, following))
    return placed[::-1]


def _actual(run: Run) -> str:
    """What comes out of the buggy program."""
    if run.cut:
        return "it does not come to an end."
    if run.exception is None:
        return f"it returns {run.output}."
    is_sayable = "`" not in run.exception and "\n" not in run.exception
    return f"it raises `{run.exception if is_sayable else run.exception.partition(':')[0]}`."


def _elsewhere(run: Run, found: Divergence, programs: Comparison) -> str:
    """A word on the wrong step's line where the mistake is on another one, which ran before."""
    buggy = programs.buggy
    blamed = {buggy.statement_of(change.old) for change in programs.changes if change.old >= 0}
    ran = {step.node for step in run.steps[: found.wrong.index]}
    if blamed & {found.wrong.node, *buggy.ancestors(found.wrong.node)} or not blamed & ran:
        return ""
    return f"L{found.wrong.line} only shows it; the mistake was made before.\n"
