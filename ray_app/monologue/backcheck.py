"""A backward monologue against the sandbox: its witness re-run, its constraints asked of the witness and of other
inputs.

A constraint is a predicate over the parameters that the text demands ("must", "needs", a bare predicate in code). It is
false when a known input that gives the output breaks it, and says nothing when no input of the same types breaks it.
Other claims (values on the way, lengths, branches) are checked against the witness's own trace, in any order, since a
backward text reasons from the end.
"""

import ast
import builtins
import symtable
from collections.abc import Sequence
from dataclasses import dataclass

from ray_app import records
from ray_app.monologue.answer import witness_of
from ray_app.monologue.check import check
from ray_app.monologue.claim import Claim, Claims
from ray_app.monologue.evaluate import Unknown, parse_expression
from ray_app.monologue.finding import equal
from ray_app.monologue.inputs import Known, Run, Signature, bind, judge, neighbours, outputs, signature, strangers
from ray_app.monologue.quotes import quotes
from ray_app.monologue.source import read
from ray_app.monologue.timeline import Timeline, arrange
from ray_app.records import Execution


@dataclass(frozen=True, slots=True)
class Outcome:
    """`reason` is "ok" or the first thing wrong; `witness` the call that the text ends with."""

    reason: str
    claims: tuple[records.Claim, ...] = ()
    unchecked: tuple[str, ...] = ()
    detail: str = ""
    witness: str = ""


def check_backward(
    code: str, entry: str, execution: Execution, claims: Claims, others: Sequence[Execution], run: Run
) -> Outcome:
    """The outcome for a parsed backward text about `execution.output`."""
    witness, value = witness_of(claims.answer, entry)
    shape = signature(code, entry)
    if not witness or shape is None:
        return Outcome("no witness", detail=claims.answer)
    if value and execution.output is not None and not _is_output(value, execution.output):
        return Outcome("answer states another output", detail=value, witness=witness)
    bound = bind(shape, witness)
    if bound is None:
        return Outcome("no witness", detail=f"{witness} does not bind the parameters", witness=witness)
    done = run(code, [witness])[0]
    if done.status != "ok" or done.trace is None or done.flags:
        return Outcome("witness does not run", detail=f"{done.status} {done.exception or ''}".strip(), witness=witness)
    witnessed = records.Claim(
        claims.answer,
        "answer",
        "true" if done.output == execution.output else "false",
        f"{witness} gives {done.output}",
    )
    if done.output != execution.output:
        return Outcome("witness gives another output", (witnessed,), (), f"{witness} gives {done.output}", witness)
    judged = _judge(code, shape, execution, claims, others, run, bound, done)
    return Outcome(judged.reason, (*judged.claims, witnessed), judged.unchecked, judged.detail, witness)


def _is_output(value: str, output: str) -> bool:
    try:
        return equal(output, ast.unparse(parse_expression(value)))
    except Unknown:
        return False


def _judge(
    code: str,
    shape: Signature,
    execution: Execution,
    claims: Claims,
    others: Sequence[Execution],
    run: Run,
    bound: dict[str, str],
    done: Execution,
) -> Outcome:
    timeline = arrange(read(code), done.trace) if done.trace is not None else None
    constraints = [(claim, predicate) for claim in claims.claims if (predicate := predicate_of(claim, shape, code))]
    loose = tuple(item for item in claims.unchecked if not quotes(code, item.strip("`"), 0))
    rest = [claim for claim in claims.claims if not any(one.start <= claim.start < one.end for one, _ in constraints)]
    facts, untold = _facts(timeline, rest) if timeline is not None else ([], [])
    if not constraints:
        return Outcome("no constraints", tuple(facts), (*loose, *untold))
    pool = known_inputs(code, shape, execution, others, bound, run)
    verdicts = _constraints(
        code, shape, [predicate for _, predicate in constraints], execution.output, pool, bound, run
    )
    told = [
        records.Claim(
            claim.text,
            "constraint",
            "false" if fault else "true",
            fault or f"{predicate} holds on the witness and is false elsewhere",
        )
        for (claim, predicate), fault in zip(constraints, verdicts.faults, strict=True)
    ]
    all_claims = (*facts, *told)
    false = next((claim for claim in all_claims if claim.verdict == "false"), None)
    reason = "ok"
    if false is not None:
        vacuous = false.kind == "constraint" and false.evidence.startswith("says nothing")
        reason = (
            "constraint says nothing"
            if vacuous
            else ("false constraint" if false.kind == "constraint" else "false claim")
        )
    elif verdicts.excludes_nothing:
        reason = "constraints exclude nothing"
    return Outcome(reason, all_claims, (*loose, *untold), f"{false.text}: {false.evidence}" if false else "")


def known_inputs(
    code: str, shape: Signature, execution: Execution, others: Sequence[Execution], bound: dict[str, str], run: Run
) -> list[Known]:
    """The recorded input, the others known, the witness, and neighbours of both with the outputs they give."""
    known = [Known(bound, execution.output)]
    recorded = bind(shape, execution.call)
    if recorded is not None:
        known.append(Known(recorded, execution.output))
    for other in others:
        arguments = bind(shape, other.call)
        if arguments is not None and other.status == "ok":
            known.append(Known(arguments, other.output))
    near = neighbours(code, shape, bound)
    if recorded is not None and recorded != bound:
        near += neighbours(code, shape, recorded, 20)
    return known + outputs(code, shape, near, execution.call, run)


@dataclass(frozen=True, slots=True)
class _Verdicts:
    faults: list[str]
    excludes_nothing: bool


def _constraints(
    code: str,
    shape: Signature,
    predicates: list[str],
    output: str | None,
    pool: list[Known],
    bound: dict[str, str],
    run: Run,
) -> _Verdicts:
    """What is wrong with each predicate: it is false of an input that gives the output, or true of all (of a type
    test: also of inputs of other types)."""
    matrix = judge(code, shape, predicates, [one.arguments for one in pool], run)
    right = [(one, row) for one, row in zip(pool, matrix, strict=True) if one.output == output]
    wrong = [row for one, row in zip(pool, matrix, strict=True) if one.output != output]
    vacuous = {column for column in range(len(predicates)) if all(row[column] is True for row in matrix)}
    types = [column for column in sorted(vacuous) if is_type_test(predicates[column])]
    foreign = judge(code, shape, [predicates[column] for column in types], strangers(shape, bound), run)
    vacuous -= {column for place, column in enumerate(types) if any(row[place] is not True for row in foreign)}
    faults: list[str] = []
    for column in range(len(predicates)):
        broken = next((one for one, row in right if row[column] is not True), None)
        if broken is not None:
            faults.append(f"false for {broken.arguments}, which gives the same output")
        else:
            faults.append("says nothing: true of every input tried" if column in vacuous else "")
    return _Verdicts(faults, bool(wrong) and all(all(row) for row in wrong))


def is_type_test(predicate: str) -> bool:
    """Whether a predicate only asks for a type."""
    try:
        node = parse_expression(predicate)
    except Unknown:
        return False
    calls = [part.func.id for part in ast.walk(node) if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)]
    return "isinstance" in calls or ("type" in calls and isinstance(node, ast.Compare))


def predicate_of(claim: Claim, shape: Signature, code: str) -> str:
    """The predicate over the parameters that a claim demands, "" where it is no constraint."""
    if (
        claim.kind == "value"
        and claim.required
        and claim.subject in shape.parameters
        and claim.how in ("state", "set", "change")
    ):
        return f"{claim.subject} == {claim.value}"
    if claim.kind == "expression" and claim.required and _over_parameters(claim.subject, shape):
        if claim.value in ("True", "False"):
            return f"({claim.subject})" if claim.value == "True" else f"not ({claim.subject})"
        return f"({claim.subject}) == {claim.value}"
    bare = claim.kind == "code" and (claim.required or not quotes(code, claim.subject, 0))
    if bare and _over_parameters(claim.subject, shape) and _is_predicate(claim.subject):
        return claim.subject
    return ""


def _is_predicate(expression: str) -> bool:
    try:
        node = parse_expression(expression)
    except Unknown:
        return False
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        return name in (
            "isinstance",
            "all",
            "any",
            "startswith",
            "endswith",
            "issubset",
            "isdisjoint",
        ) or name.startswith("is")
    return isinstance(node, (ast.Compare, ast.BoolOp)) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def _over_parameters(expression: str, shape: Signature) -> bool:
    """Whether every free name is a parameter or a builtin, at least one a parameter, and nothing is assigned."""
    try:
        node = parse_expression(expression)
    except Unknown:
        return False
    if any(isinstance(part, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)) for part in ast.walk(node)):
        return False
    read_names = _free(symtable.symtable(expression.strip(), "<constraint>", "eval"))
    return bool(read_names & set(shape.parameters)) and all(
        n in shape.parameters or hasattr(builtins, n) for n in read_names
    )


def _free(scope: symtable.SymbolTable) -> set[str]:
    """The names that an expression reads from outside, those of its comprehensions and lambdas left out."""
    outside = (symbol for symbol in scope.get_symbols() if symbol.is_referenced() and not symbol.is_parameter())
    found = {symbol.get_name() for symbol in outside if symbol.is_global()}
    return found.union(*map(_free, scope.get_children()))


def _facts(timeline: Timeline, claims: Sequence[Claim]) -> tuple[list[records.Claim], list[str]]:
    """Claims about the witness's run: each must hold at some moment of it, on the line named where one is named."""
    facts: list[records.Claim] = []
    untold: list[str] = []
    for claim in claims:
        if claim.kind in ("line", "iteration", "invariant", "sequence"):
            continue
        if claim.kind in ("code", "quote") and not claim.line:
            continue
        given = timeline.frames[0].arguments.get(claim.subject) if claim.kind == "value" and not claim.line else None
        if given is not None and equal(given, claim.value):
            facts.append(records.Claim(claim.text, claim.kind, "true", f"the witness gives {claim.subject} = {given}"))
            continue
        places = [m for m in timeline.moments if not claim.line or m.line == claim.line] or timeline.moments
        findings = [check(timeline, claim, moment) for moment in places]
        best = next((found for found in findings if found.holds), None) or next(
            (f for f in findings if f.holds is False), None
        )
        if best is None and claim.kind not in ("code", "quote"):
            untold.append(claim.text)
        elif best is None:
            continue
        else:
            facts.append(records.Claim(claim.text, claim.kind, "true" if best.holds else "false", best.evidence))
    return facts, untold
