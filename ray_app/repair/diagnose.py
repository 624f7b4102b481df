"""A narrated diagnosis, as one explains a bug to a rubber duck: what should come out and what does, the run step by
step, the first step that goes wrong, what a correct run has there, why, and what to change.

Nothing in it comes from anywhere but the two recorded runs and the two versions of the code; `verify` checks it again.
"""

import ast
import random
from collections.abc import Iterator

from ray_app.monologue.deciding import Point, deciding_with
from ray_app.monologue.evaluate import names_in
from ray_app.monologue.narrate import opening
from ray_app.monologue.phrase import is_tellable
from ray_app.monologue.rounds import MAX_LEVEL
from ray_app.monologue.source import read
from ray_app.monologue.telling import Teller
from ray_app.monologue.timeline import Timeline, arrange
from ray_app.repair.bug import ENDLESS, Bug
from ray_app.repair.cause import causes
from ray_app.repair.difference import Difference, differences
from ray_app.repair.divergence import Divergence, diverge
from ray_app.repair.endless import excerpt
from ray_app.repair.remedy import fixes
from ray_app.repair.sections import join
from ray_app.repair.steps import correct_step, wrong_step

_EXCERPTS = ((12, 10), (4, 3))


def diagnoses(bug: Bug, *, seed: int) -> Iterator[str]:
    """The diagnosis of a bug, told ever more briefly: with less and less detail of the simulation, at last with the
    steps around the wrong one only. Nothing where the two runs show no difference that can be told.

    Deterministic per seed.
    """
    assert bug.failing.trace is not None
    assert bug.right.trace is not None
    wrong = arrange(read(bug.buggy), bug.failing.trace)
    right = arrange(read(bug.fixed), bug.right.trace)
    found = diverge(wrong, right)
    changes = differences(bug.buggy, bug.fixed)
    results = [run.output for run in (bug.failing, bug.right) if run.output is not None]
    if found is None or not changes or not all(map(is_tellable, results)):
        return
    for level in range(0 if bug.is_whole else MAX_LEVEL + 1, MAX_LEVEL + 1 + len(_EXCERPTS)):
        rng = random.Random(f"{seed}:{bug.failing.call}:{bug.buggy}")
        text = _tell(bug, wrong, right, found, changes, rng, level)
        if not text:
            return
        yield text


def _tell(
    bug: Bug,
    wrong: Timeline,
    right: Timeline,
    found: Divergence,
    changes: list[Difference],
    rng: random.Random,
    level: int,
) -> str:
    step, correct = wrong_step(wrong, found, rng), correct_step(right, found, rng)
    if not step or not correct:
        return ""
    call = f"`{bug.right.call}`" if "`" not in bug.right.call else "the call"
    returns = f"{call} returns {bug.right.output}, as the test demands."
    return join(
        {
            "expected": f"{call} should return {bug.right.output}.",
            "actual": _actual(bug),
            "simulation": _simulation(bug, wrong, _point(found, changes), rng, level),
            "wrong": step,
            "correct": correct,
            "cause": _elsewhere(wrong, found, changes) + causes(changes, bug.buggy, bug.fixed, rng),
            "fix": f"{fixes(changes, bug.fixed, wrong, found.wrong)}\nThen {returns}",
        }
    )


def _actual(bug: Bug) -> str:
    run = bug.failing
    if run.status in ENDLESS:
        return "it does not come to an end."
    if run.status == "ok":
        return f"it returns {run.output}."
    shown = run.exception or ""
    return f"it raises `{shown.partition(':')[0] if '`' in shown or len(shown.splitlines()) > 1 else shown}`."


def _point(found: Divergence, changes: list[Difference]) -> Point:
    """The wrong step, with the variables that the fix reads there."""
    here = [change.new for change in changes if change.line == found.wrong.line and isinstance(change.new, ast.expr)]
    return Point(found.wrong, frozenset(name for node in here for name in names_in(node)))


def _simulation(bug: Bug, wrong: Timeline, point: Point, rng: random.Random, level: int) -> str:
    """The buggy run as far as it decides the result or leads to the wrong step."""
    if level > MAX_LEVEL:
        before, after = _EXCERPTS[level - MAX_LEVEL - 1]
        return "\n".join([opening(wrong, bug.failing, rng), excerpt(wrong, point.moment, rng, before, after)])
    told = Teller(wrong, deciding_with(wrong, point), rng, level).tell()
    return "\n".join([opening(wrong, bug.failing, rng), *told])


def _elsewhere(timeline: Timeline, found: Divergence, changes: list[Difference]) -> str:
    """A word on the wrong step's line where the mistake is on another one, which ran before."""
    if any(found.wrong.line in change.lines for change in changes):
        return ""
    before = {moment.line for moment in timeline.moments[: found.wrong.index]}
    made = any(change.old is not None and before & set(change.lines) for change in changes)
    return f"L{found.wrong.line} only shows it; the mistake was made before.\n" if made else ""
