"""Is a diagnosis true? Every claim in it against the recorded runs, by the verifier of monologues.

An accepted diagnosis promises: the expected result is what the fixed program gives when it is run, the actual result
what the buggy one gives; the simulation is true of the buggy run, in order, and tells the states that decide its
result unless it says that it stops early; the first wrong step is true of the very statement where the two runs part,
and something that is said of the correct run is true of its counterpart and false of the wrong step; quoted code
stands where the text says.

It does not promise that the prose of the root cause is the only explanation; the lines that it blames are those that
the fix changes, and the fix is judged by running it.
"""

from dataclasses import dataclass, replace

from ray_app import records
from ray_app.monologue.check import check
from ray_app.monologue.claim import Claim
from ray_app.monologue.claims import parse
from ray_app.monologue.coverage import missing
from ray_app.monologue.evaluate import Unknown, show
from ray_app.monologue.finding import Finding, equal, place
from ray_app.monologue.grounds import grounded
from ray_app.monologue.quotes import normal, quotes
from ray_app.monologue.source import read
from ray_app.monologue.timeline import Moment, Timeline, arrange
from ray_app.monologue.verify import Verdict, unfit
from ray_app.monologue.walk import Checked, walk
from ray_app.records import Execution
from ray_app.repair.align import align
from ray_app.repair.bug import Bug, fails
from ray_app.repair.difference import differences
from ray_app.repair.divergence import Divergence, diverge
from ray_app.repair.endless import CUT
from ray_app.repair.sections import Section, split
from ray_app.repair.steps import deciding_guard

_CODE = ("code", "quote", "line", "iteration")


@dataclass(frozen=True, slots=True)
class _Runs:
    """What the claims are checked against."""

    bug: Bug
    wrong: Timeline
    right: Timeline
    found: Divergence


def verify(bug: Bug, text: str) -> Verdict:
    """The verdict on a diagnosis; the claims of all its parts, in order, with the evidence for each."""
    refused = unfit(bug.fixed, bug.right)
    if refused or not fails(bug.failing, bug.right) or bug.failing.trace is None or bug.right.trace is None:
        return Verdict(False, refused or "no failing run")
    parts = split(text)
    if parts is None:
        return Verdict(False, "parts missing or out of order")
    wrong, right = arrange(read(bug.buggy), bug.failing.trace), arrange(read(bug.fixed), bug.right.trace)
    found = diverge(wrong, right)
    if found is None:
        return Verdict(False, "the runs do not differ")
    runs = _Runs(bug, wrong, right, found)
    checked: dict[Section, list[Checked]] = {name: _check(runs, name, part) for name, part in parts.items()}
    done = tuple(item for part in checked.values() for item in part)
    false = next((item for item in done if item.finding.holds is False), None)
    if false is not None:
        return _verdict("false claim", done, f"{false.claim.text}: {false.finding.evidence}")
    foreign = [piece for name, part in parts.items() for piece in _foreign(runs, name, part)]
    if foreign:
        return _verdict("unsupported literal", done, ", ".join(foreign[:4]))
    reason, detail = _lacking(runs, checked, parts["simulation"])
    return _verdict(reason, done, detail)


def _check(runs: _Runs, name: Section, part: str) -> list[Checked]:
    """The findings on one part, against what it speaks about."""
    timeline = runs.right if name in ("expected", "correct", "fix") else runs.wrong
    claims = parse(part, timeline.source.names | runs.wrong.source.names).claims
    if name == "actual":
        return [Checked(claim, _result(runs.bug.failing, claim)) for claim in claims]
    if name == "expected":
        return [Checked(claim, _result(runs.bug.right, claim)) for claim in claims]
    if name == "correct":
        called = {claim.subject for claim in claims if claim.kind == "call"}
        told = [claim for claim in claims if not (claim.kind in ("code", "quote") and claim.subject in called)]
        return [Checked(claim, _correct(runs, claim)) for claim in told]
    if name in ("cause", "fix"):
        return [Checked(claim, _about_code(runs, claim)) for claim in claims]
    return walk(timeline, claims)


def _result(run: Execution, claim: Claim) -> Finding:
    """What is said of the result against the record of the run."""
    shown = f"{run.call} gives {run.output or run.exception or run.status}"
    if claim.kind == "exception":
        said, raised = claim.subject.lower(), (run.exception or "").lower()
        return Finding(said in (raised, raised.partition(":")[0]), shown)
    if claim.kind == "return" or (claim.kind == "expression" and claim.subject == run.call):
        return Finding(run.output is not None and equal(run.output, claim.value), shown)
    return Finding(None, "says nothing of the result")


def _correct(runs: _Runs, claim: Claim) -> Finding:
    """What is said of the correct run at the counterpart of the wrong step, or at the test that led there."""
    finding = _at(runs.right, claim, runs.found.right)
    if finding.holds or not runs.found.guards:
        return finding
    return _at(runs.right, claim, deciding_guard(runs.right, runs.found) or runs.found.guards[-1])


def _at(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """A claim at exactly one statement; a value is the one when the statement is done, code is that of any line."""
    if claim.kind in ("code", "quote"):
        held = quotes(timeline.source.code, claim.subject, 0)
        return Finding(held, f"{claim.subject} is {'' if held else 'not '}code of the program")
    return check(timeline, replace(claim, how="set") if claim.kind == "value" else claim, moment)


def _about_code(runs: _Runs, claim: Claim) -> Finding:
    """Code that is blamed stands on its line of the buggy program, code that is put there in the fixed one; the result
    of the call is that of the fixed program, other values are those at the wrong step."""
    is_call = claim.subject == runs.bug.right.call
    if claim.kind in ("return", "value", "expression"):
        if is_call or claim.kind == "return":
            return _result(runs.bug.right, claim)
        return _before(runs.wrong, claim, runs.found.wrong)
    if claim.kind == "line":
        blamed = {line for change in differences(runs.bug.buggy, runs.bug.fixed) for line in change.lines}
        held = claim.line in blamed | {runs.found.wrong.line}
        return Finding(held, f"the fix changes {', '.join(f'L{line}' for line in sorted(blamed))}")
    if claim.kind not in ("code", "quote"):
        return Finding(None, "speaks about the code")
    if is_call:
        return Finding(True, "the call of the test")
    for code in (runs.bug.buggy, runs.bug.fixed):
        if quotes(code, claim.subject, claim.line if code is runs.bug.buggy else 0):
            return Finding(True, f"{claim.subject} is code of the {'buggy' if code is runs.bug.buggy else 'fixed'} one")
    return Finding(False, f"{claim.subject} is code of neither program")


def _before(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """The value of an expression in the state in which a statement begins."""
    try:
        value = show(timeline.value(claim.subject, moment.before))
    except Unknown:
        return Finding(None, "cannot be told from the trace")
    return Finding(equal(value, claim.value), f"before {place(moment)} {claim.subject} is {value}")


def _foreign(runs: _Runs, name: Section, part: str) -> list[str]:
    """Literals that no claim holds and that occur in neither run nor program."""
    loose = parse(part, runs.wrong.source.names | runs.right.source.names).unchecked
    known = ((runs.wrong, runs.bug.failing), (runs.right, runs.bug.right))
    return [piece for piece in loose if not any(grounded(timeline, run, piece) for timeline, run in known)]


def _lacking(runs: _Runs, checked: dict[Section, list[Checked]], simulation: str) -> tuple[str, str]:
    """What an otherwise true diagnosis fails to say; ("ok", "") where nothing is lacking."""
    run, found = runs.bug.failing, runs.found
    if not _tells(checked["expected"], "return", "expression"):
        return "expected result not told", ""
    told = {"ok": ("return",), "exception": ("exception",)}.get(run.status)
    if told is not None and not _tells(checked["actual"], *told):
        return "actual result not told", ""
    if not simulation.endswith(CUT):
        covers = [pair for item in checked["simulation"] for pair in item.finding.covers]
        lacking = missing(runs.wrong, covers)
        if lacking:
            return "deciding state not covered", "; ".join(lacking[:3])
    if not any(_holds(runs.wrong, item.claim, found.wrong) for item in _solid(checked["wrong"])):
        return "wrong step not told", f"L{found.wrong.line} visit {found.wrong.visit}"
    if not any(_differs(runs, item.claim) for item in _solid(checked["correct"])):
        return "no difference told", ""
    result = [item for item in checked["fix"] if item.claim.kind == "return" or item.claim.subject == run.call]
    return ("ok", "") if _tells(result, "return", "expression") else ("fix not told", "")


def _holds(timeline: Timeline, claim: Claim, moment: Moment) -> bool:
    return check(timeline, claim, moment).holds is True


def _differs(runs: _Runs, claim: Claim) -> bool:
    """Whether what is said of the correct run is not so in the buggy one: it fails there, raises there, or has no such
    statement."""
    found = runs.found
    only_there = found.right.line not in align(runs.bug.buggy, runs.bug.fixed).to_fixed.values()
    if only_there or found.kind == "raise":
        return True
    if _is_own_test(runs.right, claim, found.right):
        return found.wrong.outcome is not found.right.outcome
    if claim.kind == "value":
        return found.wrong.after().get(claim.subject) != claim.value
    return _at(runs.wrong, claim, found.wrong).holds is not True


def _is_own_test(timeline: Timeline, claim: Claim, moment: Moment) -> bool:
    """Whether a claim says how the test of an `if` or `while` comes out there, by the test's own code."""
    branch, loop = timeline.source.branches.get(moment.line), timeline.source.loops.get(moment.line)
    test = branch.test if branch else (loop.subject if loop and loop.kind == "while" else "")
    says = claim.kind in ("expression", "value") and claim.value in ("True", "False")
    return says and bool(test) and normal(test) == normal(claim.subject)


def _solid(part: list[Checked]) -> list[Checked]:
    return [item for item in part if item.claim.kind not in _CODE]


def _tells(part: list[Checked], *kinds: str) -> bool:
    return any(item.claim.kind in kinds and item.finding.holds for item in part)


def _verdict(reason: str, done: tuple[Checked, ...], detail: str) -> Verdict:
    claims = tuple(
        records.Claim(
            item.claim.text, item.claim.kind, "true" if item.finding.holds else "false", item.finding.evidence
        )
        for item in done
        if item.finding.holds is not None
    )
    return Verdict(reason == "ok", reason, claims, detail=detail)
