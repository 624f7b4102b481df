"""A recorded run, narrated forward: one line per step, in the order in which CPython took them.

    narrate(run, style="prose", detail=1) -> Narration

What is stated follows from the record alone: the stream of steps, evaluations and frames (`stream`), the plan of which
values to state (`plan`), and the words for them (`styles`). Nothing is evaluated here.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ray_app.monologue.activation import Activation
from ray_app.monologue.answer import final_answer, raised_answer
from ray_app.monologue.effects import Effects
from ray_app.monologue.failing import failing, failing_operands
from ray_app.monologue.head import head
from ray_app.monologue.plan import Planner
from ray_app.monologue.refusal import RefusalError
from ray_app.monologue.stream import Event, stream
from ray_app.monologue.styles import Prose, States, Style, Work
from ray_app.monologue.texts import is_stateable
from ray_app.monologue.tokens import tokens
from ray_app.monologue.wording import Wording
from ray_app.semantics.places import is_generator
from ray_app.semantics.record import Crossing, Evaluation, Run, Step

StyleName = Literal["prose", "states"]
Detail = Literal[1, 2, 3]
WITHS = (ast.With, ast.AsyncWith)
STYLES: dict[StyleName, type[Style]] = {"prose": Prose, "states": States}


@dataclass(frozen=True, slots=True)
class Narration:
    """A text about a run, or the reason why there is none.

    `longest_leap` is the greatest number of operations between a stated value and what was stated before it; where it
    exceeds the dial, `leap` says what has no value of its own that could have been stated in between.
    """

    text: str
    longest_leap: int = 0
    tokens: int = 0
    leap: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text, and the index of the step that it is about; None on the way into the first one."""

    text: str
    step: int | None


def lines(run: Run, *, style: StyleName = "prose", detail: Detail = 1) -> list[Line]:
    """The lines on a run, without what is said before them and the answer. RefusalError where it cannot be told."""
    return Narrator(run, style, detail).narrate()


def narrate(run: Run, *, style: StyleName = "prose", detail: Detail = 1, seed: int = 0) -> Narration:
    """What the run did, up to its answer. The same arguments give the same text; `seed` is kept for wordings."""
    narrator = Narrator(run, style, detail)
    try:
        lines = narrator.narrate()
    except RefusalError as refusal:
        return Narration("", refused=str(refusal))
    if run.exception is None:
        answer = final_answer(run.call, run.output or "None")
    else:
        answer = raised_answer(run.call, run.exception)
    opening = head(run) if style == "prose" else []
    text = "\n".join([*opening, *[line.text for line in lines], answer])
    return Narration(text, narrator.words.longest_leap, tokens(text), narrator.words.beyond)


class Narrator:
    """Walks the stream of one run and writes its lines.

    The methods named after events do one thing each, so that a test can break them one by one.
    """

    def __init__(self, run: Run, style: StyleName, detail: int) -> None:
        self.run = run
        self.source = run.source
        self.events: Sequence[Event] = list(stream(run))
        self.plan = Planner(run, detail).make(self.events)
        self.words = Wording(run, self.plan, STYLES[style](), detail)
        self.style = self.words.style
        self.spans = self.words.spans
        self.effects = Effects(self.words)
        self.lines: list[Line] = []
        self._stack: list[Activation] = []
        self._all: dict[int, Activation] = {}
        self._callers = {serial: found for found in run.evaluations for serial in found.frames}

    def narrate(self) -> list[Line]:
        """The lines on all events."""
        for event in self.events:
            if isinstance(event, Evaluation):
                self.evaluation(event)
            elif isinstance(event, Crossing):
                self.crossing(event)
            elif event.kind == "comprehension":
                self.item(event)
            else:
                self.step(event)
        return self.lines

    # Lines

    def flush(self, at: Activation) -> None:
        """Ends the line that is being written for a frame."""
        if at.clauses:
            indent = self.style.indent * min(8, at.depth + len(at.loops))
            step = at.last_item or at.step
            text = self.style.line(indent, at.label, at.clauses)
            self.lines.append(Line(text, None if step is None else step.index))
            at.clauses = []

    # Frames

    def crossing(self, crossing: Crossing) -> None:
        """A frame is entered, left, suspended or resumed."""
        if crossing.kind in ("call", "resume"):
            self._enter(crossing)
            return
        at = self._all.get(crossing.frame)
        if at is None:
            return
        if crossing.kind == "exit":
            self._exit(at, crossing.node)
            return
        if crossing.kind == "yield":
            self._yield(at, crossing.value or "None")
        elif crossing.kind == "return":
            self._return(at, crossing.value or "None")
        else:
            self._raise(at, crossing.value or "")
        if at in self._stack:
            del self._stack[self._stack.index(at) :]

    def _enter(self, crossing: Crossing) -> None:
        parent = self._stack[-1] if self._stack else None
        if parent is not None and self._is_told(crossing.frame):
            self._interrupt(parent, crossing)
        at = self._all.get(crossing.frame)
        if at is None:
            # The iterations of a generator expression are indented as those of any comprehension.
            inside = parent.depth + len(parent.loops) if parent is not None else 0
            depth = inside + 1 if parent is not None and self._is_told(crossing.frame) else inside
            at = self._all[crossing.frame] = self._activation(crossing.frame, depth)
            if self._is_told(crossing.frame):
                self._call(at)
        else:
            if self._is_told(crossing.frame):
                at.clauses.append(self._resumed(at, self._sent(crossing)))
                self.flush(at)
        self._stack.append(at)

    def _resumed(self, at: Activation, sent: str) -> str:
        """A generator goes on, or is closed where it waited."""
        closed = at.step is not None and (at.step.raised or "").startswith("GeneratorExit")
        if closed and at.yielded == len(at.frame.yields):
            return self.style.closes(at.name)
        return self.style.resumes(at.name, sent)

    def _activation(self, serial: int, depth: int) -> Activation:
        frame = self.run.frames[serial]
        line = self.source.line(frame.node) if frame.node >= 0 else 0
        if frame.function.endswith("<lambda>") and frame.steps:
            line = self.run.steps[frame.steps[0]].line
        return Activation(frame, depth, self._name(frame.function), line)

    def _name(self, function: str) -> str:
        """A function as people call it: "f.<locals>.g" is "g" where there is but one `g`; "A.twice" stays."""
        if function.endswith("<lambda>"):
            return "<lambda>"
        short = function.rpartition("<locals>.")[2]
        rivals = [name for name in self.source.functions if name.rpartition("<locals>.")[2] == short]
        return short if len(rivals) < 2 else function.replace(".<locals>", "")

    def _is_told(self, serial: int) -> bool:
        """Whether a frame has lines of its own on its beginning and end."""
        frame = self.run.frames[serial]
        if frame.node < 0:
            return False
        return not isinstance(self.source.nodes[frame.node], (ast.GeneratorExp, ast.ClassDef))

    def _interrupt(self, parent: Activation, crossing: Crossing) -> None:
        """The line of a step ends where another frame takes over; it says at least which call that is, once."""
        caller = self._callers.get(crossing.frame) if crossing.kind == "call" else self._asking(parent, crossing)
        if caller is not None and caller.index not in parent.named:
            parent.named.add(caller.index)
            if not parent.clauses and parent.last_item is None:
                parent.clauses.append(self.style.calls(self.spans.code(caller.node)))
        self.flush(parent)

    def _asking(self, parent: Activation, crossing: Crossing) -> Evaluation | None:
        """The call that has a generator go on, such as `next(g)`: the next that completes in the step that waits."""
        for evaluation in self.run.evaluations[crossing.evaluated :]:
            step = self.run.steps[evaluation.step]
            if step.frame == parent.frame.serial:
                is_call = isinstance(self.source.nodes[evaluation.node], ast.Call)
                return evaluation if is_call and step is parent.step else None
        return None

    def _sent(self, crossing: Crossing) -> str:
        """What a generator is resumed with: the value of the `yield` in which it waited."""
        for evaluation in self.run.evaluations[crossing.evaluated :]:
            if self.run.steps[evaluation.step].frame == crossing.frame:
                is_yield = isinstance(self.source.nodes[evaluation.node], ast.Yield)
                return evaluation.value if is_yield and is_stateable(evaluation.value) else ""
        return ""

    def _call(self, at: Activation) -> None:
        arguments = [(name, value) for name, value in at.frame.arguments.items() if is_stateable(value)]
        self.words.check(*at.frame.arguments.values())
        sees = self.effects.sees(at.frame)
        at.clauses.append(self.style.call(at.name, arguments, sees))
        if at.name != "<lambda>" or sees:
            self.flush(at)

    def _return(self, at: Activation, value: str) -> None:
        step = at.step
        self._close(at, None)
        if not self._is_told(at.frame.serial):
            self.flush(at)
            return
        if step is None or at.frame.node < 0:
            return
        node = self.source.nodes[step.node]
        self._end_loops(at, (), returning=isinstance(node, ast.Return) or at.pending == "return")
        if at.pending == "return" and not isinstance(node, ast.Return):
            at.clauses.append(self.style.returns(at.name, Work("", "", value)))
        elif isinstance(node, (ast.Return, ast.Lambda)):
            result = node.value if isinstance(node, ast.Return) else node.body
            at.clauses.append(self.style.returns(at.name, self._result(at, result, value)))
        else:
            at.clauses.append(self.style.ends(at.name, value))
        self.flush(at)

    def _result(self, at: Activation, node: ast.expr | None, value: str) -> Work:
        """The work behind a returned or yielded value."""
        found = at.values.get(self.source.id_of(node)) if node is not None else None
        if found is not None and found.value == value:
            is_known = isinstance(node, ast.Name) and at.depth > 0
            return self.words.known(found) if is_known else self.words.work(found)
        return self.words.constant(self.spans.code(self.source.id_of(node)) if node is not None else "", value)

    def _yield(self, at: Activation, value: str) -> None:
        if not self._is_told(at.frame.serial) or not is_generator(self.source, at.frame.node):
            self.flush(at)  # what waits for something hands nothing out
            return
        at.yielded += 1
        node = self._yielded(at)
        at.clauses.append(self.style.yields(at.name, self._result(at, node, value)))
        self.flush(at)

    def _yielded(self, at: Activation) -> ast.expr | None:
        """The expression whose value is handed out: that of the first `yield` of the step without a result so far."""
        if at.step is None:
            return None
        for found in ast.walk(self.source.nodes[at.step.node]):
            if isinstance(found, ast.Yield) and self.source.id_of(found) not in at.values:
                return found.value
        return None

    def _exit(self, at: Activation, node: int) -> None:
        """The body of a `for` or `with` has ended; what the end of a `with` changes is found when the frame goes on."""
        step = at.step
        self._close(at, step)
        self.flush(at)
        at.closed = True
        block = self.source.nodes[node]
        at.asked = at.asking is not None and at.asking.node == node
        if not isinstance(block, WITHS):
            return
        if step is not None:
            at.left = dict(step.after)
        at.label = block.lineno
        entered = [self.spans.code(self.source.id_of(item.context_expr)) for item in block.items]
        at.clauses.append(self.style.exits(", ".join(entered)))
        self.flush(at)

    def _raise(self, at: Activation, error: str) -> None:
        step = at.step
        self._close(at, None)
        self.flush(at)
        self._asked(at)
        if not self._is_told(at.frame.serial) or error.startswith("GeneratorExit") or step is None:
            return
        at.clauses.append(self.style.leaves(at.name, error))
        self.flush(at)

    # Steps

    def step(self, step: Step) -> None:
        """A step begins: what its frame did before is said now."""
        at = self._all[step.frame]
        self._close(at, step)
        self._left(at, step)
        if not (at.name == "<lambda>" and isinstance(self.source.nodes[step.node], ast.Lambda)):
            self.flush(at)
        self._asked(at)
        self._untried(at, step)
        self._settle(at, step)
        self._end_loops(at, step.loops, returning=bool(at.pending))
        at.step, at.values, at.loops, at.last_item = step, {}, step.loops, None
        at.walruses.clear()
        at.closed = at.decided = False
        at.inside = step.loops
        if step.kind == "statement" and isinstance(self.source.nodes[step.node], (ast.For, ast.AsyncFor)):
            at.inside = (*step.loops, (step.node, 0))
        at.label = step.line
        if step.kind in ("iteration", "test") and at.loops:
            at.loops = at.loops[:-1]  # a loop's own lines stand where its statement stands
        if isinstance(self.source.nodes[step.node], (ast.Break, ast.Continue)):
            self.effects.jump(at, step)
        elif step.kind == "iteration":
            self._iteration(at, step)
        elif step.kind == "case":
            self._case(at, step)
        elif step.kind == "handler":
            self._handler(at, step)
        elif step.kind == "finally":
            at.label = self._finally_line(step)
            at.clauses.append(self.style.finally_runs())

    def _left(self, at: Activation, step: Step) -> None:
        """What the end of a `with` has changed."""
        if at.left is None:
            return
        before, at.left = at.left, None
        at.clauses += self.effects.differences(before, step.before)

    def _settle(self, at: Activation, step: Step) -> None:
        """Forgets what a frame was about to do where its steps show that it does not: only `finally` blocks delay."""
        if not at.pending or step.kind == "finally":
            return
        child = step.node
        for above in self.source.ancestors(step.node):
            block = self.source.nodes[above]
            if isinstance(block, (ast.Try, ast.TryStar)) and self.source.nodes[child] in block.finalbody:
                return
            child = above
        at.pending = ""

    def _finally_line(self, step: Step) -> int:
        """The line of the word `finally`, which has no node."""
        block = self.source.nodes[step.node]
        assert isinstance(block, (ast.Try, ast.TryStar))
        line = block.finalbody[0].lineno
        while line > block.lineno and not self.source.lines[line - 1].lstrip().startswith("finally"):
            line -= 1
        return line

    def _iteration(self, at: Activation, step: Step) -> None:
        if at.broken == step.node:
            at.broken = -1
        bound = self.effects.bound(step.bound)
        at.clauses.append(self.style.iteration(step.loops[-1][1], bound))

    def _handler(self, at: Activation, step: Step) -> None:
        handler, above = self.source.nodes[step.node], self.source.parent(step.node)
        block = self.source.nodes[above]
        assert isinstance(handler, ast.ExceptHandler)
        assert isinstance(block, (ast.Try, ast.TryStar))
        at.pending = ""
        earlier = block.handlers[: block.handlers.index(handler)]
        for other in earlier if isinstance(block, ast.Try) else self._passed(step, earlier):
            at.label = other.lineno
            at.clauses.append(self.style.misses(self._handler_head(other)))
            self.flush(at)
        at.label = step.line
        at.clauses.append(self.style.catches(self._handler_head(handler), self.effects.bound(step.bound)))

    def _passed(self, step: Step, handlers: Sequence[ast.ExceptHandler]) -> list[ast.ExceptHandler]:
        """The `except*` handlers right before that of the step that found nothing to catch in the group."""
        steps = self.run.frames[step.frame].steps
        before = {self.run.steps[index].node for index in steps[: steps.index(step.index)]}
        caught = [self.source.id_of(handler) in before for handler in handlers]
        return list(handlers[len(caught) - caught[::-1].index(True) if True in caught else 0 :])

    def _handler_head(self, handler: ast.ExceptHandler) -> str:
        if handler.type is None:
            return "except"
        kind = self.spans.code(self.source.id_of(handler.type))
        star = "*" if isinstance(self.source.nodes[self.source.parent(self.source.id_of(handler))], ast.TryStar) else ""
        return f"except{star} {kind}" + (f" as {handler.name}" if handler.name else "")

    # Cases

    def _untried(self, at: Activation, step: Step | None) -> None:
        """The cases of a `match` that were tried in vain before this step."""
        if at.cases is None:
            return
        above, first = at.cases
        block = self.source.nodes[above]
        assert isinstance(block, ast.Match)
        last = len(block.cases)
        if step is not None and step.kind == "case" and self.source.parent(step.node) == above:
            last = [self.source.id_of(case) for case in block.cases].index(step.node)
            at.cases = (above, last + 1)
        else:
            at.cases = None
        for case in block.cases[first:last]:
            at.label = case.pattern.lineno
            at.clauses.append(self.style.case(self._pattern(case), False, ()))
            self.flush(at)

    def _case(self, at: Activation, step: Step) -> None:
        case = self.source.nodes[step.node]
        assert isinstance(case, ast.match_case)
        if case.guard is None:
            at.cases = None
        at.clauses.append(self.style.case(self._pattern(case), True, self.effects.bound(step.bound)))

    def _pattern(self, case: ast.match_case) -> str:
        return self.spans.code(self.source.id_of(case.pattern))

    # Expressions

    def evaluation(self, evaluation: Evaluation) -> None:
        """An expression has its value: said now where the plan wants it."""
        at = self._all[self.run.steps[evaluation.step].frame]
        at.values[evaluation.node] = evaluation
        node = self.source.nodes[evaluation.node]
        if isinstance(node, ast.stmt):  # an augmented assignment has a value; its own sentence says it
            return
        if isinstance(node, ast.NamedExpr):
            self._walrus(at, node, evaluation)
            return
        self._assertion_fails(at, evaluation)
        above = self.source.nodes[self.source.parent(evaluation.node)]
        filters = evaluation.truth is not None and isinstance(above, ast.comprehension) and self._is_walked(at)
        says_itself = self.spans.code(evaluation.node).replace('"', "'") == evaluation.value
        at.clauses += self.words.chain(at, evaluation)
        if filters or (evaluation.index in self.plan.stated and not says_itself):
            at.clauses.append(self.words.value(evaluation))

    def _assertion_fails(self, at: Activation, evaluation: Evaluation) -> None:
        """A condition whose message is made is false: that is said once, and before the message."""
        statement = self.source.nodes[at.step.node] if at.step is not None else None
        if not isinstance(statement, ast.Assert) or statement.msg is None or at.decided:
            return
        if evaluation.node >= self.source.id_of(statement.msg):
            self.effects.decide(at, statement.test, is_assert=True)
            at.decided = True

    def _is_walked(self, at: Activation) -> bool:
        return at.last_item is not None and at.last_item.index in self.plan.walked

    def _walrus(self, at: Activation, node: ast.NamedExpr, evaluation: Evaluation) -> None:
        value = at.values.get(self.source.id_of(node.value))
        work = self.words.work(value) if value is not None else self.words.constant("", evaluation.value)
        at.clauses.append(self.style.assigned("local", node.target.id, work))
        at.walruses.add(node.target.id)

    def item(self, step: Step) -> None:
        """An iteration of a comprehension's clause: a line of its own where it is walked."""
        if step.index not in self.plan.walked:
            return
        at = self._all[step.frame]
        self.flush(at)
        is_frame = isinstance(self.source.nodes[at.frame.node], ast.GeneratorExp) if at.frame.node >= 0 else False
        if is_frame or at.step is None:
            at.step, at.values = step, {}
        at.last_item = step
        at.label = step.line
        clauses = self.source.nodes[self.source.parent(step.node)]
        depth = len(getattr(clauses, "generators", ()))
        number = ".".join([str(iteration) for _, iteration in step.loops[-depth:]]) if depth > 1 else ""
        bound = self.effects.bound(step.bound)
        kind = "generator" if is_frame else "comprehension"
        at.clauses.append(self.style.item(kind, number or str(step.loops[-1][1]), bound))

    # Ends of steps and loops

    def _close(self, at: Activation, following: Step | None) -> None:
        """Says what the frame's current step did, now that it is complete."""
        step = at.step
        if step is None or at.closed:
            return
        if at.last_item is not None and step.kind != "comprehension":
            self.flush(at)
            at.last_item = None
            at.label = step.line
        is_later = step.raised is not None and self._goes_on(step, following)
        if is_later:  # it was raised when the body was over: by the next item, or by what a `with` does at its end
            at.asking = step
        if step.raised is not None and not is_later:
            self._raised(at, step)
        elif step.kind == "statement":
            self.effects.statement(at, step, following)
        elif step.kind == "test":
            self.effects.loop_test(at, step)
        elif step.kind == "case":
            self.effects.guard(at, step)
        if (step.raised is None or is_later) and step.kind != "statement":
            self.effects.besides(at, step, {name for name, _ in step.bound} | at.walruses)

    def _goes_on(self, step: Step, following: Step | None) -> bool:
        """Whether the next step of the frame is one in a body of this step's statement."""
        return following is not None and step.node in self.source.ancestors(following.node)

    def _asked(self, at: Activation) -> None:
        """An exception that came when a loop asked for its next item, or when the body of a `with` was over, behind
        what other frames did then."""
        if at.asking is None or not at.asked:
            return
        step, at.asking, at.asked = at.asking, None, False
        at.label, at.loops = step.line, step.loops[:-1] if step.kind == "iteration" else step.loops
        at.clauses.append(self.style.raises("", "", step.raised or ""))
        self.flush(at)
        at.broken, at.pending = step.node, "raise"

    def _raised(self, at: Activation, step: Step) -> None:
        error = step.raised or ""
        if error.startswith("GeneratorExit"):
            at.pending = "raise"
            return
        self._raise_clause(at, step, error)
        self.effects.besides(at, step, {name for name, _ in step.bound})
        self.flush(at)
        at.pending = "raise"

    def _raise_clause(self, at: Activation, step: Step, error: str) -> None:
        statement = self.source.nodes[step.node]
        if isinstance(statement, ast.Assert) and not at.decided:
            self.effects.decide(at, statement.test, is_assert=True)
        node = failing(self.run, self.plan, step)
        through = any(frame.caller == step.index and frame.end == "raise" for frame in self.run.frames)
        if isinstance(statement, ast.Raise) or (node is not None and self._is_stored(node)):
            clause = self.style.raises(self.spans.code(step.node), "", error)
        elif node is not None:
            code = self.spans.code(node)
            is_bare = through or isinstance(self.source.nodes[node], ast.Attribute)
            filled = code if is_bare else self.spans.fill(node, failing_operands(self.run, self.plan, step, node))
            clause = self.style.raises(code, "" if filled == code else filled, error)
        else:
            clause = self._unpacking(at, statement, error) or self.style.raises("", "", error)
        at.clauses.append(clause)

    def _is_stored(self, node: int) -> bool:
        """Whether an item or attribute is assigned or deleted there, not read (`x[i] += 1` reads it first)."""
        context = getattr(self.source.nodes[node], "ctx", None)
        above = self.source.nodes[self.source.parent(node)]
        return isinstance(context, (ast.Store, ast.Del)) and not isinstance(above, ast.AugAssign)

    def _unpacking(self, at: Activation, statement: ast.AST, error: str) -> str:
        """The clause on values that do not fit the names that they are assigned to, "" for another statement."""
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], (ast.Tuple, ast.List)):
            return ""
        found = at.values.get(self.source.id_of(statement.value))
        if found is None or not is_stateable(found.value):
            return ""
        return self.style.unpacking(self.spans.code(self.source.id_of(statement.targets[0])), found.value, error)

    def _end_loops(self, at: Activation, loops: tuple[tuple[int, int], ...], *, returning: bool) -> None:
        """Says which loops ended between the frame's last step and one with these loops around it."""
        still = {loop for loop, _ in loops}
        for loop, count in reversed(at.inside):
            if loop in still:
                break
            at.loops = at.loops[:-1] if at.loops and at.loops[-1][0] == loop else at.loops
            node = self.source.nodes[loop]
            if at.broken == loop:
                at.broken = -1
            elif isinstance(node, (ast.For, ast.AsyncFor)) and not returning:
                at.label = node.lineno
                at.clauses.append(self.style.loop_ends("", count, bool(node.orelse)))
                self.flush(at)
        at.inside = loops
