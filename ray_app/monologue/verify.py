"""Is every claim of a monologue true? Verdicts without an LLM, each with its evidence.

Forward promises: an accepted text has at least one recognised claim about the run; every recognised claim holds at its
place in the trace, in reading order; the state changes that decide the output are told (`coverage`); its final answer
is the recorded call and its output, or the exception that left it; every literal outside a claim occurs in the run.
Backward: see `verify_backward`.

Does not promise that unrecognised prose is true: literals that no claim holds are listed as unchecked.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from ray_app import records
from ray_app.monologue.answer import kind_of, split_answer, split_raised
from ray_app.monologue.backcheck import check_backward
from ray_app.monologue.claim import Claims
from ray_app.monologue.claims import parse
from ray_app.monologue.coverage import missing
from ray_app.monologue.evaluate import Unknown, literal, parse_expression, show
from ray_app.monologue.finding import equal
from ray_app.monologue.grounds import grounded
from ray_app.monologue.inputs import Run
from ray_app.monologue.quotes import quotes
from ray_app.monologue.source import Source, read
from ray_app.monologue.timeline import Timeline, arrange
from ray_app.monologue.walk import Checked, walk
from ray_app.programs.trace import is_left_by
from ray_app.records import Execution
from ray_app.sandbox.api import execute


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is short and fixed ("ok" where accepted); `detail` names the culprit; `unchecked` are literals
    no claim holds.
    """

    accepted: bool
    reason: str
    claims: tuple[records.Claim, ...] = ()
    unchecked: tuple[str, ...] = ()
    detail: str = ""


def verify_forward(code: str, entry: str, execution: Execution, text: str, *, run: Run = execute) -> Verdict:
    """The verdict on a forward monologue. `run` (the sandbox) is asked only about an answer that is no literal."""
    refused = unfit(code, execution, raising=True)
    if refused:
        return Verdict(False, refused)
    source = read(code)
    assert execution.trace is not None
    timeline = arrange(source, execution.trace)
    if not timeline.moments:
        return Verdict(False, "no trace")
    claims = parse(text, source.names)
    checked = walk(timeline, claims.claims)
    done = _records(checked)
    unchecked = _unchecked(source, claims, checked, execution.call)
    reason, detail = _judge(timeline, execution, claims, checked, run, code)
    if not reason:
        foreign = [item for item in unchecked if not grounded(timeline, execution, item)]
        reason, detail = ("unsupported literal", ", ".join(foreign[:4])) if foreign else ("", "")
    return Verdict(not reason, reason or "ok", (*done, *_answer_record(claims, execution, reason)), unchecked, detail)


def verify_backward(
    code: str, entry: str, execution: Execution, text: str, *, others: Sequence[Execution] = (), run: Run = execute
) -> Verdict:
    """The verdict on a backward monologue: its witness must give the recorded output when run, its constraints must
    be true of the witness and of every known input that gives this output, and must say something: each must be false
    of some input of the same types, all together of some input that gives another output."""
    refused = unfit(code, execution)
    if refused:
        return Verdict(False, refused)
    names = read(code).names
    claims = parse(text, names)
    outcome = check_backward(code, entry, execution, claims, others, run)
    return Verdict(outcome.reason == "ok", outcome.reason, outcome.claims, outcome.unchecked, outcome.detail)


def unfit(code: str, execution: Execution, *, raising: bool = False) -> str:
    """Why an execution can be no ground truth, "" where it can. `raising`: one that an exception ended can be, too."""
    raised = raising and execution.status == "exception" and execution.exception is not None
    if not raised and (execution.status != "ok" or execution.output is None):
        return f"run not finished: {execution.status}"
    if execution.trace is None or not execution.trace.events:
        return "no trace"
    if execution.trace.truncated:
        return "trace truncated"
    if execution.flags:
        return f"flagged: {execution.flags[0]}"
    if execution.exception and not is_left_by(execution):
        return "exception is not in the trace"
    try:
        read(code)
    except (SyntaxError, ValueError, RecursionError):
        return "code does not parse"
    return ""


def _judge(
    timeline: Timeline, execution: Execution, claims: Claims, checked: list[Checked], run: Run, code: str
) -> tuple[str, str]:
    solid = [
        item for item in checked if item.finding.holds and item.claim.kind not in ("line", "code", "quote", "iteration")
    ]
    false = [item for item in checked if item.finding.holds is False]
    if false:
        return "false claim", f"{false[0].claim.text}: {false[0].finding.evidence}"
    if not solid:
        return "no claims", ""
    wrong = answer_fault(claims.answer, execution, code, run)
    if wrong:
        return wrong, claims.answer
    result = "exception" if execution.exception else "return"
    if not claims.answer and not any(item.claim.kind == result for item in solid):
        return "no final answer", ""
    if not any(item.claim.kind != result for item in solid):
        return "only the result is told", ""
    lacking = missing(timeline, [pair for item in checked for pair in item.finding.covers])
    return ("deciding state not covered", "; ".join(lacking[:3])) if lacking else ("", "")


def answer_fault(answer: str, execution: Execution, code: str, run: Run) -> str:
    """What is wrong with a final answer, "" where nothing is (or where there is none)."""
    if not answer:
        return ""
    if execution.exception:
        call, kind = split_raised(answer)
        if not kind or kind != kind_of(execution.exception):
            return "wrong answer"
        return "" if _same_code(call, execution.call) else "answer is about another call"
    call, value = split_answer(answer)
    if not value:
        return "malformed answer"
    if call and _same_code(call, execution.call) is False:
        return "answer is about another call"
    assert execution.output is not None
    try:
        said = show(literal(parse_expression(value)))
    except (Unknown, ValueError, TypeError):
        if _same_code(value, execution.output):
            return ""
        compared = run(code, [f"({execution.call}) == ({value})"], trace=False)[0]
        return "" if compared.output == "True" else "wrong answer"
    return "" if _same_value(said, execution.output) else "wrong answer"


def _same_value(said: str, output: str) -> bool:
    return said == output or (equal(said, output) and ("." in said) == ("." in output))


def _same_code(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return ast.dump(parse_expression(one)) == ast.dump(parse_expression(other))
    except Unknown:
        return False


def _records(checked: list[Checked]) -> tuple[records.Claim, ...]:
    return tuple(
        records.Claim(
            item.claim.text, item.claim.kind, "true" if item.finding.holds else "false", item.finding.evidence
        )
        for item in checked
        if item.finding.holds is not None
    )


def _answer_record(claims: Claims, execution: Execution, reason: str) -> tuple[records.Claim, ...]:
    if not claims.answer:
        return ()
    wrong = reason in ("wrong answer", "malformed answer", "answer is about another call")
    ends = f"raises {execution.exception}" if execution.exception else f"gives {execution.output}"
    return (records.Claim(claims.answer, "answer", "false" if wrong else "true", f"{execution.call} {ends}"),)


def _unchecked(source: Source, claims: Claims, checked: list[Checked], call: str) -> tuple[str, ...]:
    """Literals in no claim, and claims that cannot be told; the call and code quoted from the program are neither."""
    loose = [
        item
        for item in claims.unchecked
        if not (quotes(source.code, item.strip("`"), 0) or _same_code(item.strip("`"), call))
    ]
    untold = [
        item.claim.text for item in checked if item.finding.holds is None and item.claim.kind not in ("code", "quote")
    ]
    return (*loose, *untold)
