"""Which constraints may be stated, and on what basis each stands.

    implied   follows from the program's text by exact steps (`necessity`, `inversion`)
    law       a relation between result and parameter that all inputs tried meet, put to this result
    tested    all inputs tried that give this result meet it, and these differ enough in what it is about

Whatever its basis, a constraint holds of every input tried that gives the output, and is false of some other.
"""

import ast
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ray_app.monologue.backward.candidates import laws, properties
from ray_app.monologue.backward.definitions import bound_in, names_in, put_in
from ray_app.monologue.backward.inversion import inversions
from ray_app.monologue.backward.necessity import Fact, as_condition, necessary, negated
from ray_app.monologue.backward.spelling import folded, written
from ray_app.monologue.backward.summary import Leaf, Summary, summarise
from ray_app.monologue.texts import element
from ray_app.parsing import parse_expression
from ray_app.programs.signature import definition_of
from ray_app.programs.tries import Execute, Trial, Tried, find_breaking, judge, try_inputs
from ray_app.semantics.source import Source

Basis = Literal["implied", "law", "tested"]

MAX_CONSTRAINTS = 6
_MAX_CHARS = 160
_MAX_INVERTED = 70
_MAX_MISSES = 3
_MIN_TESTED = 12
"""Inputs with the output that a property must hold on,"""
_MIN_DIFFERENT = 8
"""and different values of the parameters it is about, among them."""
_MIN_EVIDENCE = 8.0
"""Of a property that had nothing to do with the output, inputs that break it would give the output as often as others.
That none of them does has then at most the chance exp(-_MIN_EVIDENCE)."""
_MIN_LAW, _MIN_OUTPUTS = 30, 4
"""Inputs that a law must hold on, and different outputs among them."""
_WRITTEN_WITH = frozenset({"len", "sum", "set", "sorted", "any", "all", "next", "bool", "str", "int", "dict", "tuple"})
_OTHER_OUTPUTS = 4
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Constraint:
    """`line` and `reason` say where an implied one comes from, `law` is the relation of a law; `inputs`: tested on."""

    predicate: str
    basis: Basis
    line: int = 0
    reason: str = ""
    law: str = ""
    inputs: int = 0
    fact: Fact | None = field(default=None, compare=False)
    choice: str = ""
    """Of an implied choice between two ways: the test that decides."""


@dataclass(frozen=True, slots=True)
class Found:
    """The constraints chosen, and the function's summary where it has one that was confirmed by every input tried."""

    constraints: tuple[Constraint, ...]
    summary: Summary | None


@dataclass(frozen=True, slots=True)
class Question:
    """An output, and what was tried to get it. `values`: the recorded arguments that are literals."""

    source: Source
    tried: Tried
    output: Any
    text: str
    values: Mapping[str, Any]
    execute: Execute


def constraints(question: Question, without: Collection[str] = ()) -> Found:
    """The constraints on the inputs of an output, those that the text implies first; none of the predicates `without`,
    which somebody else has found false."""
    summary = _summary(question)
    candidates: list[Constraint] = []
    checks: list[tuple[str, str]] = []
    if summary is not None:
        candidates += _implied(summary, question.output)
        checks = list(_elsewhere(summary, question))
    for law in _laws(question):
        put_to_this = written(folded(put_in(parse_expression(law), {"result": parse_expression(question.text)})))
        candidates.append(Constraint(put_to_this, "law", law=law))
    candidates += _asked_by_program(summary) if summary is not None else []
    for name, value in question.values.items():
        candidates += [Constraint(predicate, "tested") for predicate in properties(name, value)]
    judged = _judged(question, [one for one in candidates if one.predicate not in without], checks)
    chosen = _strongest(judged.candidates)
    broken = _broken(question, [one for one in chosen if one.basis == "tested"])
    broken |= _lawless(question, [one for one in chosen if one.basis == "law"])
    return Found(tuple(one for one in chosen if one not in broken), summary if judged.is_confirmed else None)


def near_misses(question: Question) -> tuple[Trial, ...]:
    """Inputs close to the recorded one that give something else: what can be learned where nothing holds of all."""
    recorded, *others = question.tried.trials
    wrong = [one for one in others if one.output not in (None, question.text) and _is_tellable(one)]
    wrong.sort(key=lambda one: abs(len(one.call) - len(recorded.call)))
    different = {one.output: one for one in reversed(wrong[:20])}
    return tuple(different.values())[: -_MAX_MISSES - 1 : -1]


def _is_tellable(trial: Trial) -> bool:
    return "`" not in trial.call and len(trial.call) <= _MAX_CHARS and len(trial.output or "") <= _MAX_CHARS


def _broken(question: Question, chosen: Sequence[Constraint]) -> set[Constraint]:
    """Those of the weakest basis that an input with this output breaks, when one is looked for."""
    code, predicates = question.source.code, [one.predicate for one in chosen]
    found = find_breaking(code, question.tried, question.text, predicates, salt="further", execute=question.execute)
    return {one for one, trial in zip(chosen, found, strict=True) if trial is not None}


def _lawless(question: Question, chosen: Sequence[Constraint]) -> set[Constraint]:
    """Laws that further inputs do not meet."""
    shape, code, execute = question.tried.signature, question.source.code, question.execute
    call = question.tried.trials[0].call
    further = try_inputs(code, shape, call, question.text, salt="further", execute=execute) if chosen else None
    trials = [trial for trial in further.trials if trial.output is not None] if further is not None else []
    rows = judge(code, shape, [one.law for one in chosen], trials, execute=execute)
    return {one for one, row in zip(chosen, rows, strict=True) if not all(truth is True for truth in row)}


def _summary(question: Question) -> Summary | None:
    """None too where built-ins that constraints are written with mean something else in this program."""
    function = definition_of(question.source.tree, question.tried.signature.entry)
    shadowed = _WRITTEN_WITH & _rebound(question.source)
    if function is None or shadowed or len(question.values) < len(question.tried.signature.parameters):
        return None
    if function.decorator_list or any(isinstance(node, (ast.ClassDef, ast.Global)) for node in question.source.nodes):
        return None
    if any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in ast.walk(function)):
        return None
    kinds = {name: type(value).__name__ for name, value in question.values.items()}
    return summarise(function, kinds, is_flat=all(map(_is_flat, question.values.values())))


def _rebound(source: Source) -> set[str]:
    stored = set[str]().union(*(bound_in(node) for node in source.tree.body))
    return stored | {node.name for node in source.nodes if isinstance(node, _DEFINITIONS)}


def _is_flat(value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple, set)) else ()
    return not any(isinstance(item, (list, dict, set)) for item in inner)


def _implied(summary: Summary, output: Any) -> Iterator[Constraint]:
    for fact in necessary(summary, output):
        over = summary.over_parameters(fact.predicate)
        test = summary.over_parameters(fact.test) if fact.test is not None else None
        choice = written(as_condition(test, summary.kinds)) if test is not None else ""
        if over is not None:
            yield Constraint(written(over), "implied", fact.line, fact=fact, choice=choice)
        if isinstance(over, ast.IfExp) and fact.kind == "either":
            # Perhaps inputs with this output only ever go one way.
            yield from (Constraint(written(side), "tested") for side in (over.body, over.orelse))
        returned = summary.over_parameters(fact.returned) if fact.returned is not None else None
        if returned is not None:
            for found in inversions(returned, output, summary.kinds):
                predicate = written(found.predicate)
                if len(predicate) <= _MAX_INVERTED:
                    yield Constraint(predicate, "implied", fact.line, found.because)


def _asked_by_program(summary: Summary) -> Iterator[Constraint]:
    """Tests on the function's ways, and their opposites, over the parameters: they may decide without being implied."""
    waiting = [summary.tree]
    while waiting:
        tree = waiting.pop()
        if isinstance(tree, Leaf):
            continue
        waiting += [tree.yes, tree.no]
        over = summary.over_parameters(tree.test) if tree.test is not None else None
        if over is not None:
            yield Constraint(written(as_condition(over, summary.kinds)), "tested")
            yield Constraint(written(negated(over, summary.kinds)), "tested")


def _elsewhere(summary: Summary, question: Question) -> Iterator[tuple[str, str]]:
    """(predicate, output): what the summary says about other outputs, to see whether it is right at all."""
    outputs = dict.fromkeys(t.output for t in question.tried.trials if t.output not in (None, question.text))
    for output in list(outputs)[:_OTHER_OUTPUTS]:
        try:
            value = ast.literal_eval(output or "")
        except (SyntaxError, ValueError):
            continue
        for fact in necessary(summary, value):
            over = summary.over_parameters(fact.predicate)
            if over is not None:
                yield written(over), output or ""


def _laws(question: Question) -> Iterator[str]:
    if "result" not in question.source.names and len(question.text) <= _MAX_CHARS // 2:
        yield from laws(question.values, question.output)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A constraint that holds and says something, with the inputs tried that it excludes."""

    constraint: Constraint
    excluded: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Judged:
    candidates: list[_Candidate]
    is_confirmed: bool
    """Whether what the summary says about other outputs holds of the inputs that gave them."""


def _judged(question: Question, candidates: Sequence[Constraint], checks: Sequence[tuple[str, str]]) -> _Judged:
    trials, kept = question.tried.trials, _fit(question, candidates)
    asked = [
        *(one.predicate for one in kept),
        *(one.law or one.choice or "True" for one in kept),
        *(text for text, _ in checks),
    ]
    truths = judge(question.source.code, question.tried.signature, asked, trials, execute=question.execute)
    other = zip(checks, truths[2 * len(kept) :], strict=True)
    is_confirmed = all(_holds_for(output, trials, row) for (_, output), row in other)
    found: list[_Candidate] = []
    for one, row, law in zip(kept, truths, truths[len(kept) :], strict=False):
        inputs = _support(question, one, row, law)
        excluded = frozenset(at for at, truth in enumerate(row) if truth is not True)
        if inputs and excluded and (is_confirmed or one.basis != "implied"):
            found.append(_Candidate(replace(one, inputs=inputs), excluded))
    return _Judged(found, is_confirmed)


def _fit(question: Question, candidates: Sequence[Constraint]) -> list[Constraint]:
    """Those that can be read in a line and are about a parameter, each predicate once."""
    parameters = set(question.tried.signature.parameters)
    meant_otherwise = _stored(question.source) - parameters
    different = {one.predicate: one for one in reversed(candidates)}
    readable = [one for one in reversed(different.values()) if len(one.predicate) <= _MAX_CHARS]
    return [
        one
        for one in readable
        if one.predicate and "`" not in one.predicate and _reads(one.predicate, parameters, meant_otherwise)
    ]


def _reads(predicate: str, parameters: set[str], meant_otherwise: set[str]) -> bool:
    """Whether a predicate is about a parameter, and every built-in in it is one in the program too."""
    tree = parse_expression(predicate)
    names, called = names_in(tree), {part.func for part in ast.walk(tree) if isinstance(part, ast.Call)}
    return bool(names & parameters) and not {part.id for part in called if isinstance(part, ast.Name)} & meant_otherwise


def _stored(source: Source) -> set[str]:
    """Every name that the program binds somewhere."""
    return {node.id for node in source.nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)} | {
        node.name for node in source.nodes if isinstance(node, _DEFINITIONS)
    }


def _holds_for(output: str, trials: Sequence[Trial], row: Sequence[bool | None]) -> bool:
    return all(truth is True for trial, truth in zip(trials, row, strict=True) if trial.output == output)


def _support(question: Question, one: Constraint, row: Sequence[bool | None], law: Sequence[bool | None]) -> int:
    """How many inputs the constraint was tested on, on its own basis; 0 where that is not enough or one breaks it."""
    trials, parameters = question.tried.trials, question.tried.signature.parameters
    right = [trial for trial in trials if trial.output == question.text]
    if not _holds_for(question.text, trials, row):
        return 0
    if one.basis == "implied":
        # A choice of which the inputs with this output only ever take one way would be half untried.
        ways = {truth for trial, truth in zip(trials, law, strict=True) if trial.output == question.text}
        return len(right) if not one.choice or {True, False} <= ways else 0
    if one.basis == "law":
        ended = [trial for trial in trials if trial.output is not None]
        lawful = sum(truth is True for truth in law)
        outputs = {_item(trial.output or "", one.law) for trial in ended}
        return lawful if lawful == len(ended) >= _MIN_LAW and len(outputs) >= _MIN_OUTPUTS else 0
    ended = [at for at, trial in enumerate(trials) if trial.output is not None]
    against = sum(row[at] is not True for at in ended)
    share = min(len(right) / len(ended), 0.99)
    if against * -math.log(1 - share) < _MIN_EVIDENCE:
        return 0
    about = [at for at, name in enumerate(parameters) if name in names_in(parse_expression(one.predicate))]
    different = {tuple(trial.arguments[at] for at in about) for trial in right}
    return len(right) if len(right) >= _MIN_TESTED and len(different) >= _MIN_DIFFERENT else 0


def _item(output: str, law: str) -> str:
    """What a law is about: the result, or one item of it; "" where a result has no such item."""
    place = re.search(r"result\[(\d)\]", law)
    return output if place is None else element(output, place[1]) or ""


def _strongest(candidates: Sequence[_Candidate]) -> list[Constraint]:
    """What is implied, in the order of the steps; then what excludes inputs that nothing before it excludes."""
    chosen = [one for one in candidates if one.constraint.basis == "implied"][:MAX_CONSTRAINTS]
    covered = frozenset[int]().union(*(one.excluded for one in chosen))
    rest = [one for one in candidates if one.constraint.basis != "implied"]
    rest.sort(key=lambda one: (one.constraint.basis != "law", -len(one.excluded)))
    for one in rest:
        if one.excluded - covered and len(chosen) < MAX_CONSTRAINTS:
            chosen.append(one)
            covered |= one.excluded
    return [one.constraint for one in chosen]
