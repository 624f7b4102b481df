"""A backward monologue: from a result back to what an input must meet to give it, then one such input.

    Wanted: an input for which `f` returns 'hi!'.
    [L4] `return ''.join(parts)` gives the result, so `''.join(parts)` is 'hi!'.
    [L3] `parts.append(mark)` is the last to write `parts`.
    [L3] With `parts` as it was before this, `''.join(parts + [mark])` is 'hi!'.
    [L2] So `''.join(list(text) + [mark])` is 'hi!'.
    ...
    1. `''.join(list(text) + [mark]) == 'hi!'` (implied by L4).
    2. `len(text) <= 3` (tested on 209 inputs: `len(text) <= len(result)` holds for each of them).

Everything that is said is read off the record of the witness's run, or was tried (`constraints`).
"""

import ast
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ray_app.monologue.backward.constraints import Constraint, Found, Question, constraints, near_misses
from ray_app.monologue.backward.definitions import Definition, names_in, put_in
from ray_app.monologue.backward.spelling import written
from ray_app.monologue.backward.summary import Summary, variable_text
from ray_app.monologue.backward.way import Write, head_text, way_back
from ray_app.monologue.texts import is_stateable
from ray_app.programs.signature import signature
from ray_app.programs.tries import Execute, Trial
from ray_app.sandbox.api import execute
from ray_app.semantics.neighbours import plain_call, try_neighbours
from ray_app.semantics.record import Run

_MUST = (
    "So an input of these types with this result has to meet:",
    "What every input of these types with this result meets:",
)
_TRIED = ("Every input tried with this result meets:", "What all inputs tried with this result meet:")
_WHOSE_RUN = "The way back, in the run of one such input, which is named below:"
_NOTHING = "No property was found that all such inputs meet, but inputs close to one give something else:"
Record = Callable[[str, str], Run | None]
"""The record of a call of a program."""

_MAX_VALUE = 200
_MAX_EXPRESSION = 140


@dataclass(frozen=True, slots=True)
class Narration:
    """The text with the call that it ends in; or why there is none (`reason`, short and fixed)."""

    text: str
    witness: str
    reason: str = ""


def narrate(
    run: Run,
    *,
    seed: int = 0,
    max_tokens: int = 1024,
    record: Record | None = None,
    execute: Execute = execute,
    without: Collection[str] = (),
) -> Narration:
    """The backward monologue of a recorded call's output.

    With `record` the witness is in half of the rows another input than the recorded one. Nothing is said where no
    constraint is found that is true of every input tried with this output, and false of some other. `without`:
    predicates that somebody else has found false.
    """
    question = ask(run, execute)
    if isinstance(question, str):
        return Narration("", "", question)
    found = constraints(question, without)
    misses = near_misses(question) if not found.constraints else ()
    if not found.constraints and len(misses) < 2:
        return Narration("", "", "no constraint found")
    rng = random.Random(f"{seed}:{run.call}:backward")
    shown = _witness(question, found, run, rng, record)
    text = _Text(question, found, shown, misses, rng)
    for count in range(len(found.constraints), min(len(found.constraints), 1) - 1, -1):
        told = text.told(count)
        if _tokens(told) <= max_tokens:
            return Narration(told, shown.call)
    return Narration("", "", "too long")


def ask(run: Run, execute: Execute) -> Question | str:
    """What has to be answered about a run's output, with the inputs tried; or why it cannot be asked."""
    if run.output is None or not run.frames:
        return "no output"
    if signature(run.source.code, run.frames[0].function) is None:
        return "takes any number of arguments"
    value, is_literal = _literal(run.output)
    if not is_literal:
        return "output is no literal"
    tried = try_neighbours(run, execute)
    if tried is None:
        return "call binds no parameters"
    shape = tried.signature
    given = zip(shape.parameters, tried.trials[0].arguments, strict=True)
    known = {name: _literal(text) for name, text in given}
    values = {name: value for name, (value, is_literal) in known.items() if is_literal}
    return Question(run.source, tried, value, run.output, values, execute)


def _literal(text: str) -> tuple[Any, bool]:
    try:
        return ast.literal_eval(text), True
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None, False


def _tokens(text: str) -> int:
    """An estimate, on the high side for prose and on the low side for digits."""
    return len(text) // 3


def _witness(question: Question, found: Found, run: Run, rng: random.Random, record: Record | None) -> Run:
    """The run of another input that meets every constraint, in half of the rows where there is one; else the run."""
    right = question.tried.giving(question.text)[1:]
    if record is None or not right or rng.random() < 0.5:
        return run
    size = len(run.call)
    near = sorted(right, key=lambda trial: abs(len(trial.call) - size))[:5]
    other = record(question.source.code, rng.choice(near).call)
    return other if other is not None and other.output == run.output else run


class _Text:
    """The monologue's lines."""

    def __init__(self, question: Question, found: Found, run: Run, misses: Sequence[Trial], rng: random.Random) -> None:
        self._question = question
        self._misses = misses
        self._found = found
        self._run = run
        self._rng = rng
        self._way = way_back(run)
        self._output = question.text
        self._lines = [*self._deduction()]

    def told(self, count: int) -> str:
        """The text with so many constraints."""
        chosen = self._found.constraints[:count]
        implied = [one for one in chosen if one.basis == "implied"]
        rest = [one for one in chosen if one.basis != "implied"]
        said = [f"{at}. {self._said(one)}." for at, one in enumerate((*implied, *rest), 1)]
        numbered = [self._rng.choice(_MUST), *said[: len(implied)]] if implied else []
        numbered += [self._rng.choice(_TRIED), *said[len(implied) :]] if rest else []
        numbered += [_NOTHING] if self._misses else []
        numbered += [f"{at}. `{one.call}` gives {one.output}." for at, one in enumerate(self._misses, 1)]
        answer = f"[ANSWER]assert {self._run.call} == {self._output}[/ANSWER]"
        return "\n".join([*self._lines, *numbered, "", *self._forward(), "", answer]) + "\n"

    def _said(self, one: Constraint) -> str:
        if one.basis == "law":
            basis = f"tested on {one.inputs} inputs: `{one.law}` holds for each of them"
        elif one.basis == "tested":
            basis = f"tested on {one.inputs} inputs with this result"
        elif one.reason:
            basis = f"implied by [L{one.line}]: {one.reason}"
        else:
            basis = f"implied by [L{one.line}]"
        return f"`{one.predicate}` ({basis})"

    # -- from the result back ------------------------------------------------------------------------------------

    def _deduction(self) -> Iterator[str]:
        wanted = self._rng.choice(("Wanted: an input", "We look for an input", "The task is to find an input"))
        yield f"{wanted} for which `{self._question.tried.signature.entry}` returns {self._output}."
        returning = self._way.returning
        if returning is None:
            yield "The function ends without `return`."
            return
        node = self._run.source.nodes[returning.node]
        assert isinstance(node, ast.Return)
        text = head_text(self._run, returning.node)
        returned = _quotable(node.value) if node.value is not None else ""
        said = f"[L{returning.line}] `{text}`" if text else f"[L{returning.line}] This statement"
        if returned and len(self._output) <= _MAX_VALUE and not isinstance(node.value, ast.Constant):
            yield f"{said} gives the result, so `{returned}` is {self._output}."
        else:
            yield f"{said} gives the result."
        if self._way.writes:
            yield _WHOSE_RUN
        yield from (self._told_write(write) for write in self._way.writes)
        yield from self._substituted(returning.line)
        yield from self._told_tests()

    def _told_write(self, write: Write) -> str:
        head = f"`{write.statement}`" if write.statement else "this statement"
        where = f", in iteration {write.iteration} of the loop on L{write.loop}" if write.loop else ""
        verb = self._rng.choice(("is the last to write", "writes last to"))
        return f"[L{write.step.line}] {head} {verb} `{write.name}`{where}."

    def _substituted(self, line: int) -> Iterator[str]:
        """For each definition on the way, what the result is once it is put in, latest first."""
        summary = self._found.summary
        fact = next((one.fact for one in self._found.constraints if one.fact and one.fact.returned), None)
        if summary is None or fact is None or fact.returned is None or fact.line != line:
            return
        current, wanted = fact.returned, fact.item or self._output
        while waiting := _open(summary, current):
            definition = waiting[-1]
            if definition.expression is None:
                return
            current = put_in(current, {definition.identity: definition.expression})
            after = _open(summary, current)
            # What one loop makes is put in as one.
            is_whole = not any(one.line == definition.line and one.how == definition.how for one in after)
            shown = variable_text(current) if definition.how != "inner" and is_whole else ""
            if _fits(shown) and len(wanted) <= _MAX_VALUE:
                yield f"[L{definition.line}] {self._put_in(definition)} `{shown}` is {wanted}."

    def _put_in(self, definition: Definition) -> str:
        """How the step from a variable to what it was made of is said."""
        if definition.how == "changed":
            return f"With `{definition.name}` as it was before this,"
        if definition.how == "loop":
            return "Over the whole loop,"
        if definition.how == "branch":
            return f"Whichever way the branch for `{definition.name}` goes,"
        return self._rng.choice(("So", "With what is assigned here,"))

    def _told_tests(self) -> Iterator[str]:
        """Tests that must go one way, because the other cannot end in this result."""
        for one in self._found.constraints:
            if one.fact is not None and one.fact.kind == "test":
                yield f"[L{one.line}] The other way from this test cannot end in {self._output}, so `{one.predicate}`."

    # -- the witness -----------------------------------------------------------------------------------------------

    def _forward(self) -> Iterator[str]:
        shape = self._question.tried.signature
        bound = shape.bind(plain_call(self._run, shape)) or {}
        values = [f"`{name}` is {text}" for name, text in bound.items() if "`" not in text and len(text) <= _MAX_VALUE]
        leads = ("One that does:",) if self._misses else ("One such input:", "An input that meets all of this:")
        lead = self._rng.choice(leads)
        yield f"{lead} {_listed(values)}." if values else f"{lead} the call below."
        frame = self._run.frames[0]
        final = self._run.steps[frame.steps[-1]].after if frame.steps else {}
        lasting = dict.fromkeys(write.name for write in reversed(self._way.writes))
        states = [f"`{name}` is at last {final[name]}" for name in lasting if _is_shown(final.get(name))]
        verb = self._rng.choice(("Run forward,", "To check, run it:"))
        result = f"`{frame.function}` returns {self._output}"
        yield f"{verb} {_listed([*states, result])}."


def _open(summary: Summary, expression: ast.expr) -> list[Definition]:
    """The definitions that an expression mentions, in the order in which they were made."""
    names = names_in(expression)
    return [definition for identity, definition in summary.definitions.items() if identity in names]


def _quotable(node: ast.expr) -> str:
    text = written(node)
    return text if _fits(text) else ""


def _fits(text: str) -> bool:
    return 0 < len(text) <= _MAX_EXPRESSION and "`" not in text and "\n" not in text


def _is_shown(value: str | None) -> bool:
    """Whether a value can be stated: canonical, whole and short."""
    return value is not None and len(value) <= 120 and is_stateable(value) and "`" not in value


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
