"""Which values of a run a text states, so that no statement is more than `detail` operations away from the last.

An operation is one operator, link of a comparison, subscript, call of a built-in or method, or iteration of a
comprehension. Names, constants, displays and attributes that the object's own text shows are none; a call that enters a
function of the program is none either, because that function is followed into.

`pending` counts for every evaluation the operations between its value and what is stated before it: the planner goes up
each expression as CPython came up it, and where the operations would exceed `detail` it has operands stated first.
"""

import ast
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

from ray_app.monologue.chains import links
from ray_app.monologue.stream import Event
from ray_app.monologue.texts import attribute, is_stateable
from ray_app.semantics.record import Crossing, Evaluation, Run, Step
from ray_app.semantics.source import Source

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp)
_SHORT = 40
_ONE = (ast.AugAssign, ast.BinOp, ast.BoolOp, ast.Subscript, ast.Call, ast.JoinedStr, ast.Await)


@dataclass
class Plan:
    """What to state: evaluations by index; comprehension steps (by index) that are told one by one.

    `skipped` are, for evaluations of `and` and `or`, operands that were not evaluated; `chained` comparisons of
    which the links are stated first. `leaps` keeps, for each stated evaluation, the operations up to it; `tops` for
    each step the evaluations that are no operand of another one.
    """

    stated: set[int] = field(default_factory=set[int])
    pending: dict[int, int] = field(default_factory=dict[int, int])
    operands: dict[int, list[Evaluation]] = field(default_factory=dict[int, list[Evaluation]])
    skipped: dict[int, int] = field(default_factory=dict[int, int])
    chained: set[int] = field(default_factory=set[int])
    leaps: dict[int, int] = field(default_factory=dict[int, int])
    walked: set[int] = field(default_factory=set[int])
    tops: dict[int, list[Evaluation]] = field(default_factory=dict[int, list[Evaluation]])


@dataclass
class _Open:
    """A frame as the planner sees it: its step, the evaluations that wait for one above them, iterations so far."""

    step: Step | None = None
    waiting: list[Evaluation] = field(default_factory=list[Evaluation])
    iterations: list[Step] = field(default_factory=list[Step])
    unsaid: dict[str, int] = field(default_factory=dict[str, int])


@functools.lru_cache(maxsize=64)
def last_numbers(source: Source) -> tuple[int, ...]:
    """For each node the greatest number in its tree."""
    lasts = list(range(len(source.nodes)))
    for number in range(len(lasts) - 1, 0, -1):
        above = source.parent(number)
        lasts[above] = max(lasts[above], lasts[number])
    return tuple(lasts)


class Planner:
    """Makes the plan of a run in one pass over its stream."""

    def __init__(self, run: Run, detail: int) -> None:
        self.run = run
        self.source = run.source
        self.detail = detail
        self.plan = Plan()
        self._frames: dict[int, _Open] = {}
        self._yielded: str | None = None
        self._lasts = last_numbers(run.source)

    def make(self, events: Sequence[Event]) -> Plan:
        """The plan of the whole stream."""
        for event in events:
            if isinstance(event, Evaluation):
                self._evaluation(event, self._open(self.run.steps[event.step].frame))
                self._yielded = None
            elif isinstance(event, Crossing):
                self._yielded = event.value if event.kind == "yield" else None
                if event.kind in ("return", "raise", "yield"):
                    self._end_step(self._open(event.frame), event.kind == "yield")
            elif event.kind == "comprehension":
                self._iteration(event)
            else:
                self._end_step(self._open(event.frame))
                self._open(event.frame).step = event
        return self.plan

    def _open(self, frame: int) -> _Open:
        if frame not in self._frames:
            self._frames[frame] = _Open()
        return self._frames[frame]

    # Expressions

    def _evaluation(self, evaluation: Evaluation, frame: _Open) -> None:
        """Takes the operands that wait, counts what lies between them and this value, and states what is too far."""
        node, waiting = evaluation.node, frame.waiting
        first = len(waiting)
        while first and self._is_within(waiting[first - 1].node, node):
            first -= 1
        operands = waiting[first:]
        del waiting[first:]
        waiting.append(evaluation)
        plan = self.plan
        if operands:
            plan.operands[evaluation.index] = operands
        found = self.source.nodes[node]
        if isinstance(found, ast.Name):
            plan.pending[evaluation.index] = frame.unsaid.get(found.id, 0)
            chooses = (
                isinstance(self.source.nodes[self.source.parent(node)], ast.IfExp) and evaluation.truth is not None
            )
            if chooses and is_stateable(evaluation.value) and len(evaluation.value) <= _SHORT:
                self._state(evaluation.index)
            return
        own = self._own_cost(found, evaluation, operands)
        if isinstance(found, ast.BoolOp) and self._cut_short(found, evaluation, operands):
            plan.pending[evaluation.index] = self._settle(operands, own)
            self._state(evaluation.index)
            return
        if isinstance(found, _COMPREHENSIONS):
            own, operands = self._walk(evaluation, operands, frame)
        if evaluation.truth is not None and isinstance(self.source.nodes[self.source.parent(node)], ast.IfExp):
            plan.pending[evaluation.index] = self._settle(operands, own)
            self._state_all([evaluation])
            return
        operands = [operand for operand in operands if not self._feeds_generator(operand.node)]
        plan.pending[evaluation.index] = self._settle(operands, own, followed=own == 0 and bool(evaluation.frames))

    def _feeds_generator(self, node: int) -> bool:
        """Whether an expression is what a generator expression runs over: each item is told as it is asked for."""
        clause = self.source.parent(node)
        if not isinstance(self.source.nodes[clause], ast.comprehension):
            return False
        return isinstance(self.source.nodes[self.source.parent(clause)], ast.GeneratorExp)

    def _cut_short(self, node: ast.BoolOp, evaluation: Evaluation, operands: Sequence[Evaluation]) -> bool:
        """Whether `and` or `or` left an operand out, which is noted."""
        evaluated = {operand.node for operand in operands}
        for part in node.values:
            number = self.source.id_of(part)
            if not isinstance(part, ast.Constant) and number not in evaluated:
                self.plan.skipped[evaluation.index] = number
                return True
        return False

    def _settle(self, operands: Sequence[Evaluation], own: int, *, followed: bool = False) -> int:
        """The operations up to a value, after as many operands were stated as the dial asks for."""
        pending = self.plan.pending
        room = 0 if followed else max(0, self.detail - own)
        total = sum([pending[operand.index] for operand in operands])
        if own == 0 and total > room:  # a display is told by all its elements, not by some of them
            self._state_all(operands)
            return sum([pending[operand.index] for operand in operands])
        while total > room:
            costs = [(pending[o.index], -o.index) for o in operands if pending[o.index] and is_stateable(o.value)]
            if not costs:
                break  # what is left has no value that a text can state: an iterator, a function, a cut text
            cost, index = max(costs)
            self._state(-index)
            total -= cost
        return own + total

    def _state(self, index: int) -> None:
        self.plan.stated.add(index)
        self.plan.leaps[index] = self.plan.pending[index]
        self.plan.pending[index] = 0

    def _own_cost(self, node: ast.AST, evaluation: Evaluation, operands: Sequence[Evaluation]) -> int:
        """The operations that an expression adds to those of its operands."""
        if isinstance(node, ast.Compare):
            if len(node.ops) <= self.detail or not links(self.source, node, evaluation.value, operands):
                return len(node.ops)
            self.plan.chained.add(evaluation.index)
            return 1
        if isinstance(node, ast.UnaryOp):
            return 0 if isinstance(node.operand, ast.Constant) else 1
        if isinstance(node, ast.Attribute):
            shown = operands and attribute(operands[-1].value, node.attr) == evaluation.value
            return 0 if shown or evaluation.frames or not is_stateable(evaluation.value) else 1
        if isinstance(node, ast.Call) and self._is_followed(node, evaluation):
            return 0
        return 1 if isinstance(node, _ONE) else 0

    def _is_followed(self, node: ast.Call, evaluation: Evaluation) -> bool:
        """Whether a call's own work is a function of the program, which is told step by step."""
        if self._yielded == evaluation.value or evaluation.value.startswith("<generator "):
            return True
        frames = [self.run.frames[serial] for serial in evaluation.frames]
        if not any(frame.node >= 0 and frame.steps for frame in frames):
            return False
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        names = {frame.function.rpartition(".")[2] for frame in frames}
        return bool(names & {called, "__init__", "__new__", "__call__"}) or frames[0].value == evaluation.value

    def _walk(self, evaluation: Evaluation, operands: list[Evaluation], frame: _Open) -> tuple[int, list[Evaluation]]:
        """The cost of a comprehension and what it depends on. Where that exceeds the dial its iterations are told one
        by one, and it depends on nothing but what they state.
        """
        mine = [step for step in frame.iterations if self._is_within(step.node, evaluation.node)]
        frame.iterations = [step for step in frame.iterations if not self._is_within(step.node, evaluation.node)]
        cost = len(mine) + sum([self.plan.pending[operand.index] for operand in operands])
        inner = {index for step in mine for index in step.evaluations}
        enters = any(operand.frames for operand in operands) or not inner.isdisjoint(
            self.plan.stated | self.plan.chained
        )
        if cost <= self.detail and not enters:
            return len(mine), operands
        self.plan.walked.update(step.index for step in mine)
        self._state_all(operands)
        return 1, []

    def _iteration(self, step: Step) -> None:
        """An iteration of a clause; a generator expression's are always told, since another frame asks for them."""
        frame = self._open(step.frame)
        if isinstance(self.source.nodes[self.run.frames[step.frame].node], ast.GeneratorExp):
            self.plan.walked.add(step.index)
            self._end_step(frame)
            frame.step = step
        else:
            frame.iterations.append(step)

    def _is_within(self, node: int, above: int) -> bool:
        """Whether a node lies in the tree below another one (numbers are in pre-order)."""
        return above < node <= self._last(above)

    def _last(self, node: int) -> int:
        """The greatest number in a node's tree."""
        return self._lasts[node]

    # Statements

    def _end_step(self, frame: _Open, suspends: bool = False) -> None:
        """The expressions that a step leaves behind: all but the one that its own sentence states come first."""
        step, tops = frame.step, frame.waiting
        if step is None:
            return
        if suspends:  # the statement goes on when the frame is resumed
            return
        self._unpacked(step, tops)
        if step.raised is not None:  # of a comprehension that an exception ended, what it did until then
            self.plan.walked.update(one.index for one in frame.iterations)
        self.plan.tops[step.index] = tops
        main = self._main(step)
        node = self.source.nodes[step.node]
        for top in tops:
            if isinstance(self.source.nodes[self.source.parent(top.node)], ast.Yield):
                continue  # the sentence on the `yield` says it
            is_key = top.node != main and self._is_stored_into(top.node)
            if top.node != main and not is_key:
                self._state_all([top])
            if top.node == main and isinstance(node, (ast.For, ast.AsyncFor, ast.Match)):
                self._state_subject(top)
        self._remember(step, frame, main)
        frame.step, frame.waiting, frame.iterations = None, [], []

    def _state_subject(self, top: Evaluation) -> None:
        """What a loop runs over or a `match` looks at is said before, unless it is a variable."""
        if not isinstance(self.source.nodes[top.node], ast.Name) and is_stateable(top.value):
            self._state(top.index)

    def _unpacked(self, step: Step, tops: Sequence[Evaluation]) -> None:
        """`a, b = x, y + 1`: the elements are stated, not the tuple that is taken apart at once."""
        node = self.source.nodes[step.node]
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], (ast.Tuple, ast.List)):
            return
        for top in tops:
            if isinstance(self.source.nodes[top.node], (ast.Tuple, ast.List)):
                self._state_all(self.plan.operands.get(top.index, []))
                self.plan.pending[top.index] = 0

    def _is_stored_into(self, node: int) -> bool:
        """Whether an expression says where a value is stored: `grid[i]` in `grid[i][j] = 0`."""
        above = self.source.parent(node)
        while isinstance(self.source.nodes[above], (ast.Subscript, ast.Attribute)):
            if isinstance(getattr(self.source.nodes[above], "ctx", None), (ast.Store, ast.Del)):
                return True
            above = self.source.parent(above)
        return False

    def _state_all(self, operands: Sequence[Evaluation]) -> None:
        for operand in operands:
            if self.plan.pending[operand.index] and is_stateable(operand.value):
                self._state(operand.index)

    def _main(self, step: Step) -> int:
        """The expression that the sentence on the step itself states; -1 where all are stated before it."""
        node = self.source.nodes[step.node]
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Tuple, ast.List)):
            return -1
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.Return, ast.Expr)) and node.value is not None:
            return self.source.id_of(node.value)
        if isinstance(node, ast.Lambda):
            return self.source.id_of(node.body)
        if isinstance(node, ast.AugAssign):
            return step.node
        if isinstance(node, (ast.If, ast.While, ast.Assert)):
            return self.source.id_of(node.test)
        if isinstance(node, ast.Raise) and node.exc is not None:
            return self.source.id_of(node.exc)
        if isinstance(node, ast.Match):
            return self.source.id_of(node.subject)
        return self.source.id_of(node.iter) if isinstance(node, (ast.For, ast.AsyncFor)) else -1

    def _remember(self, step: Step, frame: _Open, main: int) -> None:
        """Names bound to something that cannot be stated: what is made of them is that much farther away."""
        costs = [self.plan.pending[top.index] for top in frame.waiting if top.node == main]
        for change in step.changes:
            unsaid = change.after is not None and not is_stateable(change.after)
            if unsaid and costs:
                frame.unsaid[change.name] = costs[-1]
            else:
                frame.unsaid.pop(change.name, None)
