"""Is a diagnosis true? Every claim about a run against the record of that run, every claim about the code against it.

An accepted diagnosis promises: the expected result is what the fixed program gives when it is run, the actual result
what the buggy one gives; the simulation is true of the buggy run, in order; the first wrong step is true of the very
step where the two runs part, and what is said of the correct run is true of its counterpart and not of the wrong step;
quoted code stands where the text says.

It does not promise that the prose of the root cause is the only explanation; the lines that it blames are those that
the fix changes, and the fix is judged by running it.
"""

from collections import Counter
from collections.abc import Collection

from ray_app.records import Claim
from ray_app.repair.bug import Bug
from ray_app.repair.divergence import Divergence
from ray_app.repair.effects import around, outcome
from ray_app.repair.quotes import claims_on_code, foreign, misplaced, quoted, stands
from ray_app.repair.sections import CUT, Section, split
from ray_app.semantics.record import Run, Step
from ray_app.verification.judge import verify_part
from ray_app.verification.verdict import Verdict

_ENDLESS = "it does not come to an end."


def verify(bug: Bug, text: str) -> Verdict:
    """The verdict on a diagnosis; the claims of all its parts, in order, with the evidence for each."""
    parts, found = split(text), bug.divergence
    if parts is None:
        return Verdict(False, "parts missing or out of order")
    if found is None:
        return Verdict(False, "the runs do not differ")
    done = _verdicts(bug, found, parts)
    claims = tuple(claim for verdict in done.values() for claim in verdict.claims)
    for name, verdict in done.items():
        if not verdict.accepted:
            return Verdict(False, verdict.reason, claims, f"{name}: {verdict.detail}")
    return Verdict(True, "ok", claims)


def _verdicts(bug: Bug, found: Divergence, parts: dict[Section, str]) -> dict[Section, Verdict]:
    """The verdict on each part."""
    wrong, right = _steps(bug.failing, found.wrong, found.follows), _steps(bug.right, found.right, *found.guards)
    fix, _, result = parts["fix"].rpartition("\n")
    put_right = verify_part(bug.right, _result(bug, result))
    on_code = _about_code(bug, found, fix)
    return {
        "expected": _lacking("expected result not told", verify_part(bug.right, _result(bug, parts["expected"]))),
        "actual": _actual(bug.failing, parts["actual"]),
        "simulation": _of_run(bug.failing, parts["simulation"].removesuffix(CUT)),
        "wrong": _lacking("wrong step not told", _of_run(bug.failing, parts["wrong"], wrong)),
        "correct": _difference(bug, found, parts["correct"], wrong, right),
        "cause": _about_code(bug, found, parts["cause"]),
        "fix": _lacking("fix not told", put_right) if on_code.accepted else on_code,
    }


def _of_run(run: Run, text: str, steps: Collection[int] | None = None) -> Verdict:
    """The verdict on what is told of a run; nothing in it may stay unchecked, and no code in it be foreign to it."""
    verdict = verify_part(run, text, steps=steps)
    unchecked = [claim.text for claim in verdict.claims if claim.verdict == "unchecked"]
    unchecked += foreign(run.source, text) + misplaced(run.source, text)
    if verdict.accepted and unchecked:
        return Verdict(False, "unchecked claim", verdict.claims, unchecked[0])
    return verdict


def _step_by_step(run: Run, text: str, steps: Collection[int]) -> Verdict:
    """The verdict on a sentence without labels: each "then" of it speaks of one of the steps, whichever it holds of."""
    frames = {run.frame_of(run.steps[index]).node for index in steps}
    lines = {run.steps[index].line for index in steps} | {run.source.line(node) for node in frames if node >= 0}
    claims: list[Claim] = []
    for part in text.removeprefix("here ").removesuffix(".").split("; then "):
        verdicts = [_of_run(run, f"[L{line}] {part}.", steps) for line in sorted(lines)]
        best = next((verdict for verdict in verdicts if verdict.accepted), verdicts[0])
        claims += best.claims
        if not best.accepted:
            return Verdict(False, best.reason, tuple(claims), best.detail)
    return Verdict(True, "ok", tuple(claims))


def _result(bug: Bug, text: str) -> str:
    """What should come out is what does come out of the fixed program."""
    return text.replace("should return", "returns").replace(f"`{bug.right.call}`", "the call")


def _difference(bug: Bug, found: Divergence, text: str, wrong: Collection[int], right: Collection[int]) -> Verdict:
    """What is said of the correct run is true of it, and it is not all true of the buggy run at the wrong step: by what
    comes out, by code that the buggy program does not have, or by a claim that does not hold there."""
    verdict = _step_by_step(bug.right, text, right)
    other = verify_part(bug.failing, text, steps=wrong)
    outcomes = outcome(bug.right, found.right, found.names)
    is_outcome = any(words in text and value in text for words, value in outcomes.items())
    is_new = any(not stands(bug.programs.buggy, piece) for piece in quoted(text))
    if verdict.accepted and not is_outcome and not is_new and not _true(verdict) - _true(other):
        return Verdict(False, "no difference told", verdict.claims)
    return _lacking("correct step not told", verdict)


def _lacking(reason: str, verdict: Verdict) -> Verdict:
    """A verdict that says what is lacking where nothing was claimed."""
    return Verdict(False, reason, verdict.claims) if verdict.reason == "no claims" else verdict


def _true(verdict: Verdict) -> Counter[tuple[str, str]]:
    return Counter((claim.kind, claim.text) for claim in verdict.claims if claim.verdict == "true")


def _actual(run: Run, text: str) -> Verdict:
    """What comes out of the buggy program; a run that was cut has no result."""
    if run.cut or text == _ENDLESS:
        held = run.cut and text == _ENDLESS
        return Verdict(
            held,
            "ok" if held else "false claim",
            (Claim(text, "return", "true" if held else "false", "whether the recording was cut"),),
        )
    return _lacking("actual result not told", verify_part(run, text))


def _steps(run: Run, *steps: Step | None) -> set[int]:
    """The steps that a part speaks of, with the statements around them and the first steps of calls."""
    found: set[int] = set()
    for step in steps:
        if step is not None:
            outer = around(run, step) or step
            entered = [frame.steps[0] for frame in run.callees(step) if frame.steps]
            found |= {step.index, outer.index, run.frame_of(step).steps[0], *entered}
    return found


def _about_code(bug: Bug, found: Divergence, text: str) -> Verdict:
    claims = tuple(claims_on_code(bug.programs, text, found.wrong.line))
    false = next((claim for claim in claims if claim.verdict == "false"), None)
    if false is not None:
        return Verdict(False, "false claim", claims, f"{false.text}: {false.evidence}")
    return Verdict(bool(claims), "ok" if claims else "cause not told", claims)
