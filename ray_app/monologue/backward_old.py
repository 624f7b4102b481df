"""Backward monologues: from the output to the parameters as constraints, strongest first, then a witness.

Candidate constraints come from the run's own tests and result written over the parameters (`symbolic`), and from
properties
of the input (type, length, ends, membership, counts, order, range). One is told only if no known input that gives the
output breaks it and some input breaks it; a constraint is stronger the more inputs with other outputs it excludes.
"""

import ast
import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ray_app.monologue.answer import final_answer
from ray_app.monologue.backcheck import is_type_test, known_inputs
from ray_app.monologue.deciding import deciding
from ray_app.monologue.evaluate import Fails, Unknown, evaluate, show
from ray_app.monologue.inputs import Known, Run, Signature, bind, signature, spell, strangers
from ray_app.monologue.phrase import code as span_of
from ray_app.monologue.phrase import is_tellable, listed, tokens
from ray_app.monologue.source import read
from ray_app.monologue.symbolic import facts
from ray_app.monologue.timeline import Timeline, arrange
from ray_app.monologue.verify import unfit
from ray_app.records import Execution
from ray_app.sandbox.api import execute


@dataclass(frozen=True, slots=True)
class Constraint:
    """A predicate, where it comes from ("" for a property of the input), and how many wrong inputs it excludes."""

    predicate: str
    because: str
    strength: int


def backward(
    code: str,
    entry: str,
    execution: Execution,
    *,
    seed: int = 0,
    max_tokens: int = 1024,
    others: Sequence[Execution] = (),
    run: Run = execute,
) -> tuple[str, str]:
    """(text, witness call); ("", "") where the call binds no parameters or no constraint on them is found.

    The witness differs from the recorded call where a neighbouring input gives the same output.
    """
    shape = signature(code, entry)
    bound = bind(shape, execution.call) if shape is not None else None
    if shape is None or not bound or execution.trace is None:
        return "", ""
    rng = random.Random(f"{seed}:{execution.call}:backward")
    pool = known_inputs(code, shape, execution, others, bound, run)
    chosen = constraints(code, shape, execution, pool, bound)
    if not chosen:
        return "", ""
    witness, shown, arguments = execution.call, execution, _witness(pool, execution, bound, chosen, rng)
    if arguments != bound:
        other = spell(shape, arguments, execution.call)
        done = run(code, [other])[0]
        # What a verifier will hold the text against is the witness's neighbours, and the inputs known before.
        near = known_inputs(code, shape, execution, others, arguments, run)
        right = [one for one in pool if one.output == execution.output]
        again = constraints(code, shape, execution, near + right, bound)
        if again and done.output == execution.output and not unfit(code, done):
            witness, shown, chosen = other, done, again
        else:
            arguments = bound
    assert shown.trace is not None
    timeline = arrange(read(code), shown.trace)
    for limit in (5, 3, 2):
        text = _tell(timeline, execution, chosen[:limit], witness, arguments, rng)
        if tokens(text) <= max_tokens:
            break
    return text, witness


def constraints(
    code: str, shape: Signature, execution: Execution, pool: list[Known], bound: dict[str, str]
) -> list[Constraint]:
    """Constraints that every known input with this output obeys and that say something, strongest first, at
    most five.
    """
    right = [one.arguments for one in pool if one.output == execution.output]
    wrong = [one.arguments for one in pool if one.output != execution.output]
    found: list[Constraint] = []
    excluded_by: dict[str, frozenset[int]] = {}
    for predicate, because in _candidates(code, shape, execution, bound):
        if not all(_holds(predicate, one) is True for one in right):
            continue
        excluded = frozenset(index for index, one in enumerate(wrong) if _holds(predicate, one) is False)
        if is_type_test(predicate):
            if not any(_holds(predicate, one) is False for one in strangers(shape, bound)):
                continue
        elif not excluded:
            continue
        if predicate not in excluded_by:
            excluded_by[predicate] = excluded
            found.append(Constraint(predicate, because, len(excluded)))
    if wrong and not frozenset().union(*excluded_by.values()):
        return []
    return _strongest(found, excluded_by)


def _strongest(found: list[Constraint], excluded_by: dict[str, frozenset[int]]) -> list[Constraint]:
    """Reasons from the code first among equals; a constraint that excludes nothing new is left out, types come last."""
    ordered = sorted(found, key=lambda one: (is_type_test(one.predicate), -one.strength, not one.because))
    chosen: list[Constraint] = []
    excluded: frozenset[int] = frozenset()
    for one in ordered:
        typed = is_type_test(one.predicate)
        new = excluded_by[one.predicate] - excluded
        if (new or typed or (one.because and len(chosen) < 3)) and len(chosen) < 5:
            chosen.append(one)
            excluded |= excluded_by[one.predicate]
    return chosen


def _holds(predicate: str, arguments: dict[str, str]) -> bool | None:
    """Its truth, False where it raises; None where that cannot be told without running it."""
    try:
        return bool(evaluate(predicate, arguments))
    except Fails:
        return False
    except Unknown:
        return None


def _candidates(code: str, shape: Signature, execution: Execution, bound: dict[str, str]) -> list[tuple[str, str]]:
    assert execution.trace is not None
    assert execution.output is not None
    timeline = arrange(read(code), execution.trace)
    deciding_lines = {timeline.moments[index].line for index in deciding(timeline).moments}
    found: list[tuple[str, str]] = []
    for fact in facts(timeline):
        if fact.line not in deciding_lines or not set(_names(fact.expression)) & set(shape.parameters):
            continue
        if fact.kind == "result" and is_tellable(execution.output) and len(execution.output) < 80:
            found.append((f"{fact.expression} == {execution.output}", f"L{fact.line} returns"))
        elif fact.kind == "test":
            test = f"bool({fact.expression})" if fact.expression.isidentifier() else fact.expression
            found.append((test if fact.outcome else f"not ({fact.expression})", f"L{fact.line} tests"))
    for name in shape.parameters:
        found += [(predicate, "") for predicate in _properties(name, bound[name])]
    return found


def _names(expression: str) -> list[str]:
    return [node.id for node in ast.walk(ast.parse(expression, mode="eval")) if isinstance(node, ast.Name)]


def _properties(name: str, text: str) -> list[str]:
    try:
        value = evaluate(text, {})
    except Unknown:
        return []
    typed = [f"isinstance({name}, {type(value).__name__})"] if value is not None else [f"{name} is None"]
    return [*_valued(name, value), *typed]


def _valued(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [f"{name} is {value}"]
    if isinstance(value, (int, float)):
        found = [
            f"{name} > 0" if value > 0 else f"{name} <= 0",
            f"{name} == {value!r}",
            f"{name} >= {value!r}",
            f"{name} <= {value!r}",
        ]
        return [*found, f"{name} % 2 == {value % 2}"] if isinstance(value, int) else found
    if not isinstance(value, (str, list, tuple, dict, set, frozenset)):
        return []
    found = [f"len({name}) == {len(value)}", f"len({name}) >= {len(value)}", f"len({name}) <= {len(value)}"]
    found.append(f"len({name}) > 0" if value else f"len({name}) == 0")
    if isinstance(value, str):
        found += _text(name, value)
    elif isinstance(value, (list, tuple)):
        found += _sequence(name, list(value))
    elif isinstance(value, dict):
        found += [f"{show(key)} in {name}" for key in list(value)[:4] if len(show(key)) < 40]
        found += [f"set({name}) == {show(set(value))}"] if value and len(value) < 6 else []
    return found


def _text(name: str, value: str) -> list[str]:
    found = [
        f"{name}.{method}()"
        for method in ("isalpha", "isdigit", "islower", "isupper", "isalnum")
        if getattr(value, method)()
    ]
    if value:
        found += [f"{name}.startswith({value[0]!r})", f"{name}.endswith({value[-1]!r})"]
    found += [
        f"{character!r} in {name}"
        for character in dict.fromkeys(value[:6])
        if character.isprintable() and character != "`"
    ]
    found += [
        f"{name}.count({c!r}) == {value.count(c)}" for c in dict.fromkeys(value) if value.count(c) > 1 and c != "`"
    ][:3]
    found += [f"not any(c.isdigit() for c in {name})"] if value and not any(c.isdigit() for c in value) else []
    return [*found, f"{name} == {name}[::-1]"] if len(value) > 1 and value == value[::-1] else found


def _sequence(name: str, value: list[Any]) -> list[str]:
    found: list[str] = []
    if value:
        found += [f"{name}[0] == {show(value[0])}", f"{name}[-1] == {show(value[-1])}"]
    found += [f"{show(item)} in {name}" for item in value[:4] if len(show(item)) < 40]
    numbers = value and all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in value)
    if numbers:
        found += [
            f"sum({name}) == {show(sum(value))}",
            f"max({name}) == {show(max(value))}",
            f"min({name}) == {show(min(value))}",
        ]
        found += [f"all(x > 0 for x in {name})"] if all(item > 0 for item in value) else []
        found += [f"{name} == sorted({name})"] if len(value) > 1 and value == sorted(value) else []
    if value and all(isinstance(item, str) for item in value):
        found.append(f"all(isinstance(x, str) for x in {name})")
    with contextlib.suppress(TypeError):
        found += [f"len(set({name})) == len({name})"] if len(set(value)) == len(value) > 1 else []
    return found


def _witness(
    pool: list[Known], execution: Execution, bound: dict[str, str], chosen: list[Constraint], rng: random.Random
) -> dict[str, str]:
    """An input that gives the output, other than the recorded one where there is one: the least degenerate first."""
    fit = [
        one.arguments
        for one in pool
        if one.output == execution.output
        and one.arguments != bound
        and all(_holds(constraint.predicate, one.arguments) is True for constraint in chosen)
    ]
    fit.sort(key=lambda arguments: abs(sum(map(len, arguments.values())) - sum(map(len, bound.values()))))
    return rng.choice(fit[:3]) if fit else bound


def _tell(
    timeline: Timeline,
    execution: Execution,
    chosen: Sequence[Constraint],
    witness: str,
    arguments: dict[str, str],
    rng: random.Random,
) -> str:
    """The deduction from the result to the constraints, then the witness, then what it does when run."""
    wanted = rng.choice(("We look for an input", "Wanted: an input", "The task is to find an input"))
    lines = [f"{wanted} for which the function returns {execution.output}."]
    lines += _way_back(timeline, execution.output or "", rng)
    lines.append(
        rng.choice(
            ("So the parameters must obey, strongest first:", "This constrains the parameters, strongest first:")
        )
    )
    lines += [f"{number}. {_said(one, rng)}." for number, one in enumerate(chosen, 1)]
    values = [f"`{name}` = {text}" for name, text in arguments.items() if "`" not in text]
    lead = "One input that does" if witness == execution.call else "An input that meets all of this"
    lines += ["", f"{lead}: {listed(values)}." if values else f"{lead} follows."]
    lines += _forward_check(timeline, execution.output or "", rng)
    lines += ["", final_answer(witness, execution.output or "")]
    return "\n".join(lines) + "\n"


def _said(one: Constraint, rng: random.Random) -> str:
    span = span_of(one.predicate)
    reason = f" ({one.because} it)" if one.because else ""
    return f"{span} {rng.choice(('must hold', 'must be True'))}{reason}"


def _way_back(timeline: Timeline, output: str, rng: random.Random) -> list[str]:
    """From the returned expression to the statements that last write what it depends on, backwards."""
    last = timeline.frames[0].moments[-1]
    statement = timeline.source.statements.get(last.line)
    lines: list[str] = []
    if isinstance(statement, ast.Return) and statement.value is not None:
        span = span_of(statement.value)
        if span and not isinstance(statement.value, ast.Constant) and is_tellable(output):
            lines.append(f"[L{last.line}] {span} is {output} here, for that is what the function returns.")
        elif whole := span_of(statement):
            lines.append(f"[L{last.line}] {whole} is where the run ends.")
    for index, name in _last_written(timeline):
        moment = timeline.moments[index]
        span = span_of(timeline.source.statements[moment.line])
        if not span:
            continue
        around = timeline.source.enclosing.get(moment.line, ())
        looped = f", in the loop on L{around[-1]}" if around and around[-1] != moment.line else ""
        opening = rng.choice(("Before that", "For this", "One step back"))
        lines.append(f"{opening}, [L{moment.line}] {span} gives `{name}` its last value{looped}.")
    return lines


def _last_written(timeline: Timeline) -> list[tuple[int, str]]:
    """Where the entry's deciding variables are written last, latest first, one for a statement, at most four."""
    found: dict[str, int] = {}
    for index, name in sorted(deciding(timeline).changes, reverse=True):
        moment = timeline.moments[index]
        written = timeline.source.statements.get(moment.line)
        spans = [span for span in timeline.spans.get(name, ()) if span.frame == 0]
        final = spans[-1].moment if spans else None
        simple = isinstance(written, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr))
        last = moment.frame == 0 and simple and final is not None and final.line == moment.line
        if last and index not in found.values():
            found.setdefault(name, index)
    return [(index, name) for name, index in list(found.items())[:4]]


def _forward_check(timeline: Timeline, output: str, rng: random.Random) -> list[str]:
    """What the witness makes of the variables named on the way, in the order of the run."""
    states: list[str] = []
    for index, name in sorted(_last_written(timeline)):
        moment = timeline.moments[index]
        value = moment.after().get(name)
        if value is not None and is_tellable(value) and len(value) <= 100:
            states.append(f"after [L{moment.line}] `{name}` is {value}")
    lead = rng.choice(("Running it", "With it", "To check"))
    if not states:
        return [f"{lead}: the function returns {output}."]
    return [f"{lead}: {listed(states)}.", f"{rng.choice(('Then', 'And so', 'So'))} the function returns {output}."]
