"""How values are said: the work behind each, and a count of how far apart two stated values are."""

import ast

from ray_app.monologue.activation import Activation
from ray_app.monologue.chains import links
from ray_app.monologue.plan import Plan
from ray_app.monologue.refusal import RefusalError
from ray_app.monologue.spans import Spans, is_short
from ray_app.monologue.styles import Style, Work
from ray_app.monologue.texts import is_capped, is_stateable
from ray_app.semantics.record import Evaluation, Run

LONG = 80
"""From so many characters on a container is told by what changed in it, and not repeated where a variable holds it."""


class Wording:
    """Says the values of one run. `longest_leap` is the greatest number of operations between two stated values; where
    that is more than `detail`, `beyond` names the expression before which nothing could be stated.
    """

    def __init__(self, run: Run, plan: Plan, style: Style, detail: int) -> None:
        self.run = run
        self.source = run.source
        self.plan = plan
        self.style = style
        self.spans = Spans(run.source, plan)
        self.detail = detail
        self.longest_leap = 0
        self.beyond = ""

    def count(self, evaluation: Evaluation) -> None:
        """Counts the operations up to a value that the text states now."""
        leap = self.plan.leaps.get(evaluation.index, self.plan.pending.get(evaluation.index, 0))
        if leap > self.longest_leap:
            self.longest_leap = leap
            self.beyond = self.spans.code(evaluation.node) if leap > self.detail else ""

    def check(self, *values: str) -> None:
        """Ends the telling where a value that belongs into it was cut."""
        if any(is_capped(value) for value in values):
            raise RefusalError("a value is too long to state")

    def work(self, evaluation: Evaluation) -> Work:
        """How an evaluation's value comes about."""
        code, value = self.spans.code(evaluation.node), evaluation.value
        self.check(value)
        self.count(evaluation)
        if code.replace('"', "'") == value or evaluation.index in self.plan.skipped:
            return Work("", "", value)  # the code says it, or a clause of its own
        if not is_stateable(value):
            return Work(code, "", "")
        return Work(code, "" if evaluation.frames else self.spans.filled(evaluation), value)

    def known(self, evaluation: Evaluation) -> Work:
        """The work of a value that a variable holds already: not repeated where it is long."""
        work = self.work(evaluation)
        return work if len(work.value) <= LONG or not work.code else Work(work.code, "", "")

    def constant(self, code: str, value: str | None) -> Work:
        """The work of an expression that the record has no evaluation for: a constant, or a lambda."""
        if value is None:
            return Work("", "", code)
        self.check(value)
        return Work("", "", value) if is_stateable(value) else Work(code, "", "")

    def value(self, evaluation: Evaluation) -> str:
        """The clause on a value; for a condition inside an expression also what follows from it."""
        node = self.source.nodes[evaluation.node]
        work = self.work(evaluation)
        skipped = self.plan.skipped.get(evaluation.index, -1)
        if skipped >= 0:
            clause = self.style.cut_short(self.spans.code(evaluation.node), evaluation.value, self.spans.code(skipped))
        else:
            clause = self.style.evaluated(work if work.code else Work(self.spans.code(evaluation.node), "", work.value))
        above = self.source.nodes[self.source.parent(evaluation.node)]
        if isinstance(above, ast.IfExp) and above.test is node and evaluation.truth is not None:
            branch = above.body if evaluation.truth else above.orelse
            return self.style.chosen(self.spans.code(self.source.id_of(branch)), clause)
        if isinstance(above, ast.comprehension) and evaluation.truth is not None:
            return self.style.filtered(clause, evaluation.truth)
        return clause

    def chain(self, at: Activation, evaluation: Evaluation) -> list[str]:
        """The links of a chained comparison, which are said before it."""
        node = self.source.nodes[evaluation.node]
        if not isinstance(node, ast.Compare) or evaluation.index not in self.plan.chained:
            return []
        found: list[str] = []
        for link in links(self.source, node, evaluation.value, self.plan.operands.get(evaluation.index, [])):
            (left, left_value), (right, right_value) = self._side(at, link.left), self._side(at, link.right)
            code, filled = f"{left} {link.sign} {right}", f"{left_value} {link.sign} {right_value}"
            found.append(self.style.evaluated(Work(code, "" if filled == code else filled, str(link.holds))))
        return found

    def _side(self, at: Activation, node: ast.expr) -> tuple[str, str]:
        """An operand's code, and its value where that is short."""
        number = self.source.id_of(node)
        code, found = self.spans.code(number), at.values.get(number)
        return code, found.value if found is not None and is_short(found.value) else code
