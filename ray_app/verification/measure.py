"""How much of a run an explanation gets right: the measure behind a reward.

What is counted are steps of the record that the result depends on, so a text earns nothing by repeating itself, by
copying its prompt, or by describing what does not matter; and nothing that stands after the result was first stated.
"""

import ast
import functools
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from ray_app.claims.answer import split
from ray_app.claims.claim import Kind, Reading
from ray_app.claims.read import read
from ray_app.semantics.record import Run, Step
from ray_app.verification.align import Placed, align
from ray_app.verification.answers import answer_fault
from ray_app.verification.coverage import deciding_steps, root_of
from ray_app.verification.facts import Facts
from ray_app.verification.judge import is_result, is_strict

_ABOUT_CHANGES = frozenset[Kind](
    ["value", "added", "removed", "alias", "deleted", "property", "result", "iteration", "case"]
)
_SAYS_LITTLE = frozenset[Kind](["line", "signature", "argument", "visits", "trend", "sequence", "kept", "unevaluated"])
_WITHOUT_CONTENT = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass)


@dataclass(frozen=True, slots=True)
class Measure:
    """`steps`: how many steps decide the result; `stated`: the kinds of the true claims about each of them that the
    text makes before it states the result; `true`: how many true claims it makes anywhere; `false`: how many
    sentences of it make a false one; `repeated`: how many only say again what was said."""

    steps: int
    stated: Mapping[int, frozenset[Kind]]
    true: int
    false: int
    repeated: int


class Measured:
    """A run prepared for the measures of many texts about it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._facts: dict[bool, Facts] = {}

    @functools.cached_property
    def deciding(self) -> frozenset[int]:
        """The steps that decide the result and that something can be said about before it."""
        if not self.run.frames:  # a call of nothing that the program defines
            return frozenset()
        facts = self._facts_of(False)
        steps = (self.run.steps[index] for index in deciding_steps(facts))
        return frozenset(step.index for step in steps if self._has_content(step))

    def measure(self, text: str) -> Measure:
        """The measure of a text. Never raises, whatever the text."""
        reading = read(text, self.run.source)
        facts = self._facts_of(is_strict(reading))
        placed = align(facts, reading.groups)
        until = min([_answered_at(text), *(item.span[0] for item in placed if is_result(item))])
        starts = [statement.start for statement in reading.statements]

        def sentence_of(item: Placed) -> int:
            return bisect_right(starts, item.span[0]) - 1

        stated: dict[int, set[Kind]] = {}
        sentences: dict[int, set[int]] = {}
        for item in placed:
            if item.finding.holds and item.span[0] < until:
                step = self._about(facts, item)
                if step is not None and step in self.deciding:
                    sentences.setdefault(sentence_of(item), set()).add(step)
                    stated.setdefault(step, set()).add(item.claim.kind)
        return Measure(
            steps=len(self.deciding),
            stated={step: frozenset(kinds) for step, kinds in stated.items()},
            true=sum(item.finding.holds is True for item in placed),
            false=len({sentence_of(item) for item in placed if item.finding.holds is False}),
            repeated=_repeated(reading, sentences),
        )

    def answer_fault(self, text: str) -> str:
        """What is wrong with the answer at the end of a text; "" where it is the run's."""
        answer = split(text)[1]
        return answer_fault(self.run, answer) if answer else "no final answer"

    def _facts_of(self, strict: bool) -> Facts:
        if strict not in self._facts:
            self._facts[strict] = Facts(self.run, strict)
        return self._facts[strict]

    def _has_content(self, step: Step) -> bool:
        """Whether a step does something that is not already the result: the last `return` has it in its parts only."""
        node = self.run.source.nodes[step.node]
        if step.kind == "comprehension" or isinstance(node, _WITHOUT_CONTENT):
            return False
        if step.changes or step.kind != "statement":
            return True
        return self._parts(step) > (1 if isinstance(node, ast.Return) and step.frame == 0 else 0)

    def _parts(self, step: Step) -> int:
        """How many operations a step made (names and constants are none)."""
        nodes = self.run.source.nodes
        made = {self.run.evaluations[index].node for index in step.evaluations}
        return sum(not isinstance(nodes[node], ast.Name | ast.Constant) for node in made)

    def _about(self, facts: Facts, item: Placed) -> int | None:
        """The step that a true claim is about. A value is about the step that gives it, not about those that find it
        there: so what the prompt says of the arguments is about none."""
        claim, spot = item.claim, item.spot
        if claim.kind in _SAYS_LITTLE or spot is None or spot.step is None or spot.kind == "call":
            return None
        step = facts.owner(spot.step)
        if claim.kind in _ABOUT_CHANGES and not self._concerns(claim.subject, step, spot.step):
            return None
        return step.index

    def _concerns(self, subject: str, *steps: Step) -> bool:
        """Whether one of the steps changes, binds or computes what a claim speaks of."""
        for step in steps:
            names = {change.name for change in step.changes} | {name for name, _ in step.bound}
            if not subject or subject in names or root_of(subject) in names or self._computes(step, subject):
                return True
        return False

    def _computes(self, step: Step, subject: str) -> bool:
        if subject.isidentifier():
            return False
        source = self.run.source
        asked = "".join(subject.split())
        evaluations = (self.run.evaluations[index] for index in step.evaluations)
        return any("".join(source.text(evaluation.node).split()) == asked for evaluation in evaluations)


def _answered_at(text: str) -> int:
    tag = text.upper().find("[ANSWER]")
    return len(text) if tag < 0 else tag


def _repeated(reading: Reading, sentences: Mapping[int, set[int]]) -> int:
    """How many sentences stand there in the same words before, and are about no step that those were not about."""
    seen: dict[str, set[int]] = {}
    repeated = 0
    for number, statement in enumerate(reading.statements):
        words = " ".join(statement.text.split()).lower()
        about = sentences.get(number, set())
        repeated += words in seen and about <= seen[words]
        seen.setdefault(words, set()).update(about)
    return repeated
