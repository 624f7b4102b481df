"""Is a backward text true? Its witness is run again, its constraints are tried, its statements held against the run.

An accepted text ends in a call of the entry that gives the output; each of its constraints is true of the witness and
of every input tried that gives the output, and false of some other input; what it says about values, last writes and
the returned value is true of the witness's run. "tested on N inputs" is true only if N inputs were tried.

Not promised: that a constraint holds of inputs that nobody tried.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from ray_app.claims.answer import read_answer, split
from ray_app.claims.read import LONGEST
from ray_app.programs.signature import Signature, definition_of, signature
from ray_app.programs.tries import Execute, Trial, Tried
from ray_app.sandbox.api import execute
from ray_app.semantics.neighbours import try_neighbours
from ray_app.semantics.record import Run, Step
from ray_app.verification.backward_text import Said, literals_in, read_backward
from ray_app.verification.constraints import check_constraints, ground
from ray_app.verification.evaluating import evaluate_in, same_value
from ray_app.verification.judge import verify_part
from ray_app.verification.properties import check_general
from ray_app.verification.statement import Statement
from ray_app.verification.verdict import Verdict
from ray_app.verification.writes import last_write, written_in

Record = Callable[[str, str], Run | None]
"""The record of a call of a program."""

_DECIDES = (ast.Return, ast.If, ast.For, ast.While, ast.Assert, ast.IfExp)


def verify_backward(run: Run, text: str, *, record: Record, execute: Execute = execute) -> Verdict:
    """The verdict on a text about the output of a recorded call."""
    if len(text) > LONGEST:
        return Verdict(False, "text is too long")
    shape = signature(run.source.code, run.frames[0].function) if run.frames else None
    if shape is None or run.output is None:
        return Verdict(False, "no output" if shape is not None else "takes any number of arguments")
    body, answer = split(text)
    stated = read_answer(answer)
    bound = shape.bind(stated.call) or shape.bind(stated.value)
    call = stated.call if shape.bind(stated.call) else stated.value
    if bound is None:
        return Verdict(False, "no witness", detail=answer)
    witnessed, reason = _witness(run, stated.call, call, stated.value, record, execute)
    if witnessed is None:
        return Verdict(False, reason, (Statement(answer, "answer", False, reason).recorded(),), answer)
    statements = [*_statements(run, witnessed, body, shape, bound, execute)]
    given = Statement(answer, "answer", True, f"{call} gives {run.output}")
    return _judged([*statements, given])


def _witness(
    run: Run, stated_call: str, call: str, value: str, record: Record, execute: Execute
) -> tuple[Run | None, str]:
    """The run of the witness; None with the reason where it does not give the output."""
    asked = [call, f"({value})"] if stated_call else [call]
    done = execute(run.source.code, asked, trace=False)
    if done[0].status != "ok" or done[0].flags:
        return None, "witness does not run"
    if done[0].output != run.output:
        return None, "witness gives another output"
    if done[-1].output != run.output:
        return None, "answer states another output"
    found = run if call == run.call else record(run.source.code, call)
    return found, "" if found is not None else "witness cannot be recorded"


def _judged(statements: Sequence[Statement]) -> Verdict:
    claims = tuple(one.recorded() for one in statements)
    false = next((one for one in statements if one.holds is False), None)
    if false is not None:
        reason = "false constraint" if false.kind == "constraint" else "false claim"
        return Verdict(False, reason, claims, f"{false.text}: {false.evidence}")
    constraints = [one for one in statements if one.kind == "constraint"]
    empty = next((one for one in constraints if one.is_empty), None)
    if empty is not None:
        return Verdict(False, "constraint says nothing", claims, empty.text)
    said = [one for one in statements if one.holds and one.kind not in _SAYS_LITTLE]
    return Verdict(bool(said), "ok" if said else "nothing could be checked", claims)


_SAYS_LITTLE = frozenset(["answer", "returns", "mention", "given"])
"""Kinds of statements that explain no input."""


def _statements(
    run: Run,
    witnessed: Run,
    body: str,
    shape: Signature,
    bound: Mapping[str, str],
    execute: Execute,
) -> Iterator[Statement]:
    reading = read_backward(body, shape.parameters, shape.entry)
    demands = [one for one in reading.said if one.kind == "constraint"]
    tried = try_neighbours(run, execute)
    if demands and tried is not None:
        trial = Trial(tuple(bound.values()), witnessed.call, run.output)
        yield from check_constraints(ground(run, tried, trial, execute), demands, _deciding_lines(run, shape.entry))
    yield from _about_values(witnessed, bound, [one for one in reading.said if one.kind == "value"], execute)
    yield from _about_calls(run.source.code, [one for one in reading.said if one.kind == "call"], execute)
    for one in reading.said:
        if one.kind == "choice":
            yield _about_choice(one, bound, run.output or "")
        elif one.kind in ("returns", "given"):
            is_right = same_value(one.value, run.output or "")
            yield Statement(one.text, one.kind, is_right, f"the output is {run.output}")
        elif one.kind in ("last write", "result line"):
            yield _about_lines(witnessed, one)
    yield from _others(witnessed, reading.rest, tried, execute)


def _deciding_lines(run: Run, entry: str) -> dict[int, ast.AST]:
    """What stands on the lines of the entry from which a constraint may come.

    A `pass` stands for a test over variables that are written somewhere: a constraint has their values put in.
    """
    function = definition_of(run.source.tree, entry)
    nodes = list(ast.walk(function)) if function is not None else []
    written = {name for node in nodes if isinstance(node, ast.stmt) for name in written_in(node)}
    written |= {part.id for part in nodes if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    return {node.lineno: _known(node, written) for node in nodes if isinstance(node, _DECIDES)}


def _known(node: ast.AST, written: set[str]) -> ast.AST:
    test = getattr(node, "test", None)
    read = {part.id for part in ast.walk(test) if isinstance(part, ast.Name)} if test is not None else set[str]()
    return ast.Pass() if read & written else node


def _others(run: Run, sentences: Sequence[str], tried: Tried | None, execute: Execute) -> Iterator[Statement]:
    """Sentences that are not read here: about the run as the forward verifier reads them, else about the function."""
    for sentence in sentences:
        # What must or should be is no claim about what was.
        claims = () if _HYPOTHETICAL.search(sentence) else verify_part(run, sentence).claims
        for claim in claims:
            yield Statement(sentence, claim.kind, _HOLDS[claim.verdict], claim.evidence)
        if not claims and tried is not None and not _ANNOUNCES.match(sentence):
            found = check_general(run.source.code, _SINCE.sub("", sentence), tried, execute=execute)
            yield Statement(sentence, "property", _OUTCOME_HOLDS[found.outcome], found.evidence)


_SINCE = re.compile(r"^(?:since|as|because|given that|we know that) ", re.IGNORECASE)
_ANNOUNCES = re.compile(
    r"^(?:to find an input|let's|let us|in order to find|to (?:get|achieve) (?:this|the given) output\W*$)",
    re.IGNORECASE,
)


_HYPOTHETICAL = re.compile(r"\b(?:must|should|needs?|would|could|can|may|has to|have to|if|when|for f\(\?\?\))\b")
_HOLDS: dict[object, bool | None] = {"true": True, "false": False, "unchecked": None}
_OUTCOME_HOLDS = {"tested": True, "refuted": False, "not checked": None}


def _about_choice(said: Said, bound: Mapping[str, str], output: str) -> Statement:
    """What may be chosen: known where every value that is named is the witness's, or a part of it."""
    named = literals_in(said.text)
    chosen = [value for value in named if not same_value(value, output)] or named
    held = [value for value in chosen if any(same_value(value, own) or value in own for own in bound.values())]
    is_known = bool(chosen) and len(held) == len(chosen)
    witness = ", ".join(f"{name} = {value}" for name, value in bound.items())
    return Statement(said.text, "choice", True if is_known else None, f"{witness} gives the output")


def _about_calls(code: str, said: Sequence[Said], execute: Execute) -> Iterator[Statement]:
    """What other calls are said to give."""
    done = execute(code, [one.subject for one in said], trace=False) if said else []
    for one, result in zip(said, done, strict=True):
        gives = result.output if result.status == "ok" else None
        is_right = gives is not None and same_value(one.value, gives)
        yield Statement(one.text, "call", is_right, f"{one.subject} gives {gives or result.exception}")


# -- values ------------------------------------------------------------------------------------------------------------


def _about_values(run: Run, bound: Mapping[str, str], said: Sequence[Said], execute: Execute) -> Iterator[Statement]:
    """Each must be so in one of the states that its words allow."""
    states = [_states(run, bound, one) for one in said]
    questions = [(one.subject, state) for one, possible in zip(said, states, strict=True) for state in possible]
    answers = iter(evaluate_in(run.source.code, questions, execute))
    for one, possible in zip(said, states, strict=True):
        values = [next(answers) for _ in possible]
        known = [value for value in values if value is not None] or _evaluated(run, one.subject)
        if any(same_value(one.value, value) for value in known):
            yield Statement(one.text, "value", True, f"`{one.subject}` is {one.value}")
        elif known:
            yield Statement(one.text, "value", False, f"`{one.subject}` is {known[-1]}")
        else:
            yield Statement(one.text, "value", None, f"`{one.subject}` cannot be evaluated")


def _evaluated(run: Run, expression: str) -> list[str]:
    """What the program itself got for an expression that it holds."""
    try:
        text = ast.unparse(ast.parse(expression, mode="eval"))
    except (SyntaxError, ValueError, RecursionError):
        return []
    nodes = [at for at, node in enumerate(run.source.nodes) if isinstance(node, ast.expr) and ast.unparse(node) == text]
    return [evaluation.value for node in nodes for evaluation in run.evaluations_of(node)]


def _states(run: Run, bound: Mapping[str, str], said: Said) -> list[Mapping[str, str]]:
    steps = [run.steps[index] for index in run.frames[0].steps]
    if said.when == "output":
        return [{"result": run.output or ""}]
    final = [steps[-1].after] if steps else []
    if said.when == "final":
        return [*final]
    if said.when == "input":
        return [bound, *final]
    here = [step for step in steps if step.line == said.line]
    return _around(here, said) if here else [bound]


def _around(steps: Sequence[Step], said: Said) -> list[Mapping[str, str]]:
    """The states just before the first and the last step on a line, and after."""
    chosen = list({step.index: step for step in (steps[0], steps[-1])}.values())
    before = [step.before for step in chosen]
    return before if said.when == "before" else [*before, *(step.after for step in chosen)]


# -- lines -------------------------------------------------------------------------------------------------------------


def _about_lines(run: Run, said: Said) -> Statement:
    steps = [run.steps[index] for index in run.frames[0].steps]
    if said.kind == "last write":
        step = last_write(run, said.subject)
    else:
        returns = [step for step in steps if isinstance(run.source.nodes[step.node], ast.Return)]
        step = returns[-1] if returns else None
    if step is None:
        return Statement(said.text, said.kind, False, "there is no such statement in this run")
    text = run.source.text(step.node)
    quoted = said.statement or (said.subject if said.kind == "result line" else "")
    fits_line = not said.line or said.line == step.line
    fits_text = not quoted or _same_code(quoted, text)
    loops = {(run.source.line(loop), number) for loop, number in step.loops}
    fits_loop = said.loop is None or said.loop in loops
    is_right = fits_line and fits_text and fits_loop
    return Statement(said.text, said.kind, is_right, f"it is `{text}` on line {step.line}, in {sorted(loops)}")


def _same_code(quoted: str, text: str) -> bool:
    """Whether a quotation is a statement, or the head of one."""
    head = text.split("\n")[0].strip().rstrip(":")
    return "".join(quoted.removeprefix("case ").split()).rstrip(":") == "".join(head.split())
