"""Claims about values, held against the record at a place in it."""

import ast
from collections import Counter
from collections.abc import Mapping

from ray_app.claims.claim import Claim
from ray_app.claims.code import normal, parsed, shown_tree
from ray_app.semantics.record import Step
from ray_app.verification.code import condition_of, governing, mentioned, written
from ray_app.verification.facts import FOREVER, Facts, Spot
from ray_app.verification.finding import UNKNOWN, Finding
from ray_app.verification.known import UnknownError, is_literal, literal_value, resolve, value_of
from ray_app.verification.match import (
    Match,
    assigned_value,
    augmented_value,
    matches,
    nodes_like,
    operand_value,
    same,
    shown,
)
from ray_app.verification.mentions import nearest, occurs


def is_cut(text: str) -> bool:
    """Whether a canonical text was cut: it stands for no value."""
    return text.endswith("...")


def equal(stated: str, recorded: str | None) -> bool:
    """Whether a stated value is the recorded one. One that was cut in the record is never confirmed."""
    if recorded is None or is_cut(recorded):
        return False
    return stated == recorded or normal(stated) == normal(recorded)


def value(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A name, an item or an attribute has, had or gets a value."""
    node = parsed(claim.subject)
    if not isinstance(node, ast.Name):
        return _target(facts, claim, spot, node)
    before = facts.state(spot)
    known = before.get(claim.subject)
    step = spot.step
    if spot.kind == "loop end" and claim.tense in ("change", "first"):
        return UNKNOWN  # nothing happens there
    if spot.kind != "step" or step is None:
        return _judged(claim, known, spot.start)
    changes = facts.changes(step, claim.subject)
    change = next((one for one in changes if equal(claim.value, one.after)), changes[0] if changes else None)
    after = change.after if change else step.before.get(claim.subject, known)
    if claim.tense in ("change", "first", "end") or (claim.tense == "set" and facts.strict):
        found = _changed(facts, claim, spot, step, after)
        is_literal_change = found.holds or facts.strict or claim.tense == "first"
        return found if is_literal_change else _made_of(facts, claim, step) or found
    if claim.tense == "before":
        return _judged(claim, known, spot.start)
    if equal(claim.value, after) != claim.negated and (change or known is None or after == known):
        return Finding(True, f"{claim.subject} is {after}", spot.end if change else spot.start)
    if known is not None and equal(claim.value, known) != claim.negated:
        return Finding(True, f"{claim.subject} is {known} before L{step.line}", spot.start)
    for match in matches(facts, claim.subject, step, before):
        if equal(claim.value, match.value) != claim.negated:
            return Finding(True, f"{claim.subject} is {match.value}", match.at)
    if after is None and known is None:
        return UNKNOWN
    truth = _as_truth(claim, after)
    now = after if after is not None else known or ""
    return truth or Finding(False, f"{claim.subject} is {now}", spot.end, right=_right(claim, now))


def _as_truth(claim: Claim, recorded: str | None) -> Finding | None:
    """ "`mode` is True" may say that 1 counts as true; of a name that has no truth value of its own only."""
    if claim.value not in ("True", "False") or recorded in ("True", "False", None):
        return None
    truth = value_of("bool(x)", {"x": recorded})
    return Finding(True, f"{claim.subject} is {recorded}") if truth == claim.value else None


def _changed(facts: Facts, claim: Claim, spot: Spot, step: Step, after: str | None) -> Finding:
    """A change must be this step's doing: the name is assigned in it, or its value is another afterwards."""
    change = next(iter(facts.changes(step, claim.subject)), None)
    source = facts.run.source
    for evaluation in facts.evaluations(step):
        code = source.nodes[evaluation.node]
        if isinstance(code, ast.NamedExpr) and code.target.id == claim.subject and equal(claim.value, evaluation.value):
            return Finding(True, f"{claim.subject} is {evaluation.value}", facts.evaluated_at[evaluation.index])
    bound = dict(step.bound).get(claim.subject)
    if bound is not None and step.kind != "statement":
        return _judged(claim, bound, spot.start + 0.02)
    argument = spot.frame.arguments.get(claim.subject) if spot.frame.steps[0] == step.index else None
    if claim.tense == "set" and change is None and argument is not None:
        return _judged(claim, argument, spot.start)  # a lambda's line tells its call too
    if isinstance(source.nodes[step.node], (ast.With, ast.AsyncWith)):
        return _in_with(facts, claim, spot, step, after)
    names = written(source, step.node)
    may_mutate = isinstance(source.nodes[step.node], (ast.Expr, ast.Assign, ast.AugAssign, ast.Delete))
    if (
        change is None
        and claim.subject not in names
        and not (may_mutate and claim.subject in mentioned(source, step.node))
    ):
        return (
            Finding(False, f"{claim.subject} is not changed at L{step.line}")
            if claim.subject in facts.history
            else UNKNOWN
        )
    if claim.tense == "first" and isinstance(source.nodes[step.node], (ast.AugAssign, ast.Expr)):
        return Finding(False, f"{claim.subject} does not start at L{step.line}", spot.end)
    if claim.other and not equal(claim.other, step.before.get(claim.subject)):
        return Finding(False, f"{claim.subject} is {step.before.get(claim.subject)} before", spot.end)
    return _judged(claim, after if after is not None else assigned_value(facts, step), spot.end)


def _made_of(facts: Facts, claim: Claim, step: Step) -> Finding | None:
    """What was made of a variable, under its name: "search becomes 'car'" for `search.lower()`."""
    for evaluation in facts.evaluations(step):
        code = facts.run.source.nodes[evaluation.node]
        if equal(claim.value, evaluation.value) and _works_on(code, claim.subject):
            return Finding(True, f"{ast.unparse(code)} is {evaluation.value}", facts.evaluated_at[evaluation.index])
    return None


def _works_on(code: ast.AST, name: str) -> bool:
    """Whether an expression makes something of a variable."""
    return (
        isinstance(code, ast.expr)
        and not isinstance(code, ast.Name)
        and any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(code))
    )


def _in_with(facts: Facts, claim: Claim, spot: Spot, step: Step, after: str | None) -> Finding:
    """A `with` changes things at its beginning, and again when its block is left."""
    inside = facts.run.next_in_frame(step)
    if inside is not None and equal(claim.value, inside.before.get(claim.subject)):
        return Finding(True, f"{claim.subject} is {claim.value}", spot.end)
    return _judged(claim, after, facts.left_at(step))._replace(until=float(FOREVER))


def _target(facts: Facts, claim: Claim, spot: Spot, node: ast.expr | None) -> Finding:
    """`d['a']`, `self.n`: evaluated there, or read off the value of what holds it."""
    step = spot.step
    if node is None or step is None:
        return UNKNOWN
    after: Mapping[str, str] = step.after if spot.kind == "step" else facts.state(spot)
    seen: str | None = None
    both = [(after, spot.end), (facts.state(spot), spot.start)]
    for state, at in both if claim.tense == "change" else reversed(both):
        shown = resolve(node, state)
        seen = seen if seen is not None else shown
        if shown is not None and equal(claim.value, shown) != claim.negated:
            return Finding(True, f"{claim.subject} is {shown}", at)
        if claim.tense == "change" and shown is not None:
            return Finding(False, f"{claim.subject} is {shown}", at, right=_right(claim, shown))
    found = expression(facts, claim, spot)
    value = _assigned(facts, node, step) if found.holds is not True else None
    if value is not None:
        return Finding(equal(claim.value, value), f"{claim.subject} is {value}", spot.end)
    if found.holds is not None or seen is None:
        return found
    return Finding(False, f"{claim.subject} is {seen}", spot.end, right=_right(claim, seen))


def _assigned(facts: Facts, target: ast.expr, step: Step) -> str | None:
    """What a statement assigns to a target, for where that cannot be read off a variable (a property, a descriptor)."""
    own = facts.run.source.nodes[step.node]
    if isinstance(own, ast.AugAssign) and same(target, parsed(ast.unparse(own.target))):
        return augmented_value(facts, step)
    if isinstance(own, ast.Assign) and any(same(target, other) for other in _unstored(own.targets)):
        return assigned_value(facts, step)
    return None


def _judged(claim: Claim, recorded: str | None, at: float) -> Finding:
    if recorded is None or is_cut(recorded):
        return UNKNOWN
    holds = equal(claim.value, recorded) != claim.negated
    return Finding(holds, f"{claim.subject} is {recorded}", at, right="" if holds else _right(claim, recorded))


def _right(claim: Claim, recorded: str) -> str:
    """The value that belongs in place of the stated one; of "x is not 3" that would say the opposite."""
    return "" if claim.negated or is_cut(recorded) else recorded


def expression(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """An expression of the program, or one with values put in, has a value."""
    if spot.step is None:
        return UNKNOWN
    target = parsed(claim.subject) if claim.tense in ("change", "set") else None
    assigned = _assigned(facts, target, spot.step) if target is not None else None
    if assigned is not None:  # `root.kids[0].v` becomes 8: what is assigned to it, not what it was
        return _judged(claim, assigned, spot.end)
    found = _matches(facts, claim.subject, spot)
    for match in found:
        if _is_stated(claim, match) != claim.negated:
            return Finding(True, f"{claim.subject} is {match.value}", match.at)
    if any(match.value.startswith("<") for match in found):
        return _of_iterator(facts, claim, spot)
    if found:
        now = found[-1]
        return Finding(False, f"{claim.subject} is {now.value}", now.at, right=_right(claim, now.value))
    return _derived(facts, claim, spot, claim.value)


def _of_iterator(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """An iterator has no value of its own, but a text may write what comes out of it as a list."""
    seen = [one for one in facts.run.evaluations if normal(one.value) == normal(claim.value)]
    return Finding(True, f"{claim.value} comes out of {claim.subject}", spot.end) if seen else UNKNOWN


def _matches(facts: Facts, piece: str, spot: Spot) -> list[Match]:
    assert spot.step is not None
    if spot.kind != "step":
        return []
    found = matches(facts, piece, spot.step, facts.state(spot))
    if not found and spot.step.kind == "comprehension":
        found = matches(facts, piece, facts.owner(spot.step), facts.state(spot))
    return found


def _is_stated(claim: Claim, match: Match) -> bool:
    if equal(claim.value, match.value):
        return True
    return (
        claim.value in ("True", "False")
        and match.truth is (claim.value == "True")
        and match.value not in ("True", "False")
    )


def _derived(facts: Facts, claim: Claim, spot: Spot, stated: str) -> Finding:
    """What nothing in the step computed, worked out from the recorded values of the names in it."""
    node = parsed(claim.subject)
    assert spot.step is not None
    if node is None or (facts.strict and nodes_like(facts.run.source, claim.subject)):
        return UNKNOWN  # code of another line
    after = spot.step.after if spot.kind == "step" else facts.state(spot)
    seen: str | None = None
    for state, at in ((after, spot.end), (facts.state(spot), spot.start)):
        shown = value_of(claim.subject, state)
        seen = seen if seen is not None else shown
        if shown is not None and equal(stated, shown) != claim.negated:
            if is_literal(node) and not spot.step.evaluations:
                return UNKNOWN
            if is_literal(node) and _has_other_operands(facts, node, spot):
                return Finding(False, f"no such operands at L{spot.step.line}", at)
            if is_literal(node) and not facts.strict:
                return UNKNOWN  # true of anything: what it says of the run is not known
            return Finding(True, f"{claim.subject} is {shown}", at)
    if seen is None:
        return UNKNOWN
    return Finding(False, f"{claim.subject} is {seen}", spot.end, right=_right(claim, seen))


def _has_other_operands(facts: Facts, node: ast.expr, spot: Spot) -> bool:
    """Whether the step computed something of this form, but of other values: then "2 + 1 = 3" is not what it did.

    A text that works things out for itself may well say so: of such a one only a comparison counts, and only where one
    of its two operands is the program's.
    """
    assert spot.step is not None
    nodes = facts.run.source.nodes
    own = nodes[spot.step.node]
    done = [nodes[evaluation.node] for evaluation in facts.evaluations(spot.step)]
    alike = [code for code in ([own, *done] if isinstance(own, ast.AugAssign) else done) if _form(code) == _form(node)]
    if facts.strict or not alike:
        return bool(alike)
    return any(_shares_operand(facts, node, code, spot) for code in alike)


def _shares_operand(facts: Facts, node: ast.expr, code: ast.AST, spot: Spot) -> bool:
    """Whether one of the two operands of a comparison is the program's, and the other is not."""
    if not (isinstance(node, ast.Compare) and isinstance(code, ast.Compare) and len(node.ops) == 1):
        return False
    stated = [shown(part) for part in (node.left, *node.comparators)]
    recorded = [operand_value(facts, part, spot.step) for part in (code.left, *code.comparators)] if spot.step else []
    same_ones = [one == other for one, other in zip(stated, recorded, strict=True)]
    return sorted(same_ones) == [False, True] and sorted(map(str, stated)) != sorted(map(str, recorded))


def _form(node: ast.AST) -> tuple[type[ast.AST], ...]:
    """The kind of an operation, with its operators."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        return (ast.BinOp, type(node.op))
    if isinstance(node, ast.Compare):
        return (ast.Compare, *(type(operator) for operator in node.ops))
    return (type(node), type(node.op)) if isinstance(node, (ast.BoolOp, ast.UnaryOp)) else (type(node),)


def truth(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """Something is taken for true or false; with no subject, the condition in question."""
    wanted = not claim.negated
    if not claim.subject:
        return _condition(facts, claim, spot, wanted)
    if spot.step is None:
        return UNKNOWN
    found = _matches(facts, claim.subject, spot)
    for match in found:
        taken = match.truth if match.truth is not None else _truth_of(match.value)
        if taken is wanted:
            return Finding(True, f"{claim.subject} is {match.value}", match.at)
    if found:
        return Finding(False, f"{claim.subject} is {found[-1].value}", found[-1].at)
    return property_(facts, claim, spot)


def _truth_of(text: str) -> bool | None:
    shown = value_of("bool(x)", {"x": text})
    return None if shown is None else shown == "True"


def _condition(facts: Facts, claim: Claim, spot: Spot, wanted: bool) -> Finding:
    """The condition of the statement; of a statement without one, the one that decided that it runs."""
    step, run = spot.step, facts.run
    if step is None or spot.kind != "step":
        return UNKNOWN
    if step.kind == "comprehension":
        return _filters(facts, spot, step, wanted)
    condition = condition_of(run.source.nodes[step.node])
    if condition is not None and (step.kind != "statement" or not isinstance(run.source.nodes[step.node], ast.While)):
        taken = run.truth_of(step, condition)
        if taken is None:
            return UNKNOWN
        evaluation = run.evaluation_in(step, run.source.id_of(condition))
        at = facts.evaluated_at[evaluation.index] if evaluation else spot.start
        return Finding(taken is wanted, f"the condition on L{step.line} is {taken}", at)
    choice = _choice(facts, step)
    if choice is not None:
        return Finding(choice is wanted, f"the condition on L{step.line} is {choice}", spot.end)
    above = governing(run.source, step.node)
    if above is None or facts.strict:
        return UNKNOWN
    return Finding(above[1] is wanted, f"L{step.line} runs because the condition is {above[1]}", spot.start)


def _choice(facts: Facts, step: Step) -> bool | None:
    """The outcome of a conditional expression in a step."""
    nodes = facts.run.source.nodes
    for evaluation in facts.evaluations(step):
        parent = nodes[facts.run.source.parent(evaluation.node)]
        if isinstance(parent, ast.IfExp) and parent.test is nodes[evaluation.node] and evaluation.truth is not None:
            return evaluation.truth
    return None


def kept(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """An item of a comprehension passes its conditions, or does not."""
    if spot.step is None or spot.step.kind != "comprehension":
        return UNKNOWN
    clause = facts.run.source.nodes[spot.step.node]
    assert isinstance(clause, ast.comprehension)
    if claim.negated or len(clause.ifs) < 2:
        return _filters(facts, spot, spot.step, not claim.negated)
    passes = facts.run.truth_of(spot.step, clause.ifs[min(claim.number, len(clause.ifs) - 1)]) is True
    at = _tested_at(facts, spot, spot.step, clause)
    return Finding(passes, f"condition {claim.number + 1} on L{spot.step.line}: {passes}", spot.start + 0.03, at)


def _filters(facts: Facts, spot: Spot, step: Step, wanted: bool) -> Finding:
    clause = facts.run.source.nodes[step.node]
    assert isinstance(clause, ast.comprehension)
    passes = all(facts.run.truth_of(step, condition) is True for condition in clause.ifs)
    return Finding(
        passes is wanted, f"the conditions on L{step.line} are {passes}", _tested_at(facts, spot, step, clause)
    )


def _tested_at(facts: Facts, spot: Spot, step: Step, clause: ast.comprehension) -> float:
    """When the last condition of a clause was evaluated; what it lets through may call functions afterwards."""
    tests = {facts.run.source.id_of(condition) for condition in clause.ifs}
    times = [facts.evaluated_at[one.index] for one in facts.evaluations(step) if one.node in tests]
    return max(times, default=spot.start + 0.03)


def property_(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A value contains, begins with, is greater than, is empty ...: an expression made up from the words is true."""
    if spot.step is None:
        return UNKNOWN
    found = _matches(facts, claim.subject, spot)
    if not found:
        wanted = "False" if claim.negated else "True"
        positive = Claim("expression", claim.subject, wanted)
        return _derived(facts, positive, spot, wanted)
    for match in found:
        if match.value == ("False" if claim.negated else "True"):
            return Finding(True, f"{claim.subject} is {match.value}", match.at)
    return Finding(False, f"{claim.subject} is {found[-1].value}", found[-1].at)


def unevaluated(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """Short-circuiting: the operand is code of the step, and was not evaluated in it."""
    if spot.step is None or spot.kind != "step":
        return UNKNOWN
    like = nodes_like(facts.run.source, claim.subject)
    is_clause = spot.step.kind == "comprehension"
    outer = facts.run.source.parent(spot.step.node) if is_clause else spot.step.node
    here = {number for number in like if _is_inside(facts, number, outer)}
    if not here:
        return Finding(False, f"{claim.subject} is no part of L{spot.step.line}")
    left_out = here - {evaluation.node for evaluation in facts.evaluations(spot.step)}
    return Finding(bool(left_out), f"{claim.subject} is {'not ' if left_out else ''}evaluated", spot.end)


def _is_inside(facts: Facts, node: int, outer: int) -> bool:
    return node == outer or outer in facts.run.source.ancestors(node)


def moved(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A value goes into a container, or out of it."""
    step = spot.step
    if step is None or spot.kind != "step":
        return UNKNOWN
    name = claim.subject.removesuffix(".append").removesuffix(".add")
    node = parsed(name)
    if node is None:
        return UNKNOWN
    before, after = resolve(node, step.before), resolve(node, step.after)
    if before is None or after is None:
        return UNKNOWN
    if before == after:
        return (
            Finding(False, f"{name} does not change at L{step.line}")
            if name in mentioned(facts.run.source, step.node)
            else UNKNOWN
        )
    counts = _counted(before), _counted(after)
    if counts[0] is None or counts[1] is None:
        return UNKNOWN
    gained = counts[1][claim.value] - counts[0][claim.value]
    holds = gained > 0 if claim.kind == "added" else gained < 0
    return Finding(holds, f"{name} becomes {after}", spot.end)


def _counted(text: str) -> Counter[str] | None:
    """How often each value is in a container; of a dictionary its keys, of a string its characters and pieces."""
    node = shown_tree(text)
    if isinstance(node, ast.Call) and node.args:
        node = node.args[-1]
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return Counter(normal(ast.unparse(item)) for item in node.elts)
    if isinstance(node, ast.Dict):
        keys = [normal(ast.unparse(key)) for key in node.keys if key is not None]
        pairs = [f"({key}, {normal(ast.unparse(item))})" for key, item in zip(keys, node.values, strict=False)]
        return Counter([*keys, *pairs])
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _pieces(node.value)
    return None


class _Pieces(Counter[str]):
    """The pieces of a string, counted when asked for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def __missing__(self, key: str) -> int:
        try:
            piece = literal_value(key)
        except UnknownError:
            return 0
        return self.text.count(piece) if isinstance(piece, str) and piece else 0


def _pieces(text: str) -> Counter[str]:
    return _Pieces(text)


def alias(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """Two names are the very same object."""
    step = spot.step
    if step is None or spot.kind != "step":
        return UNKNOWN
    for change in step.changes:
        names = {change.name, *change.aliases}
        if (
            claim.other != claim.subject
            and change.aliases
            and claim.other in names
            and (not claim.subject or claim.subject in names)
        ):
            return Finding(True, f"{change.name} is also {', '.join(change.aliases)}", spot.end)
    after = step.after
    if claim.subject in after and claim.other in after and after[claim.subject] != after[claim.other]:
        return Finding(False, f"{claim.other} is {after[claim.other]}", spot.end)
    return Finding(False, f"{claim.subject} and {claim.other} are not the same object here", spot.end)


def deleted(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A name or an item is deleted."""
    step = spot.step
    if step is None or spot.kind != "step":
        return UNKNOWN
    node = parsed(claim.subject)
    if node is None:
        return UNKNOWN
    source = facts.run.source.nodes[step.node]
    is_deleted = isinstance(source, ast.Delete) and any(same(node, target) for target in _unstored(source.targets))
    gone = resolve(node, step.before) is not None and resolve(node, step.after) is None
    return Finding(is_deleted or gone, f"L{step.line} runs", spot.end)


def _unstored(targets: list[ast.expr]) -> list[ast.expr]:
    return [found for target in targets if (found := parsed(ast.unparse(target))) is not None]


def result(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A value comes out of what happens here."""
    step = spot.step
    if step is None:
        return UNKNOWN
    seen: list[tuple[str | None, float]] = [(change.after, spot.end) for change in step.changes]
    seen += [(text, spot.start) for _, text in step.bound]
    seen += [(evaluation.value, facts.evaluated_at[evaluation.index]) for evaluation in facts.evaluations(step)]
    if spot.frame.end == "return" and spot.frame.steps and spot.frame.steps[-1] == step.index:
        seen.append((spot.frame.value, spot.end))
    at = next((at for text, at in seen if equal(claim.value, text)), None)
    if at is not None:
        return Finding(True, f"{claim.value} at L{step.line}", at)
    if not facts.strict and not _is_refuted(facts, claim.value):
        return UNKNOWN  # a text may work out what the program never computed
    return Finding(False, f"nothing at L{step.line} gives {claim.value}", spot.end)


def _is_refuted(facts: Facts, value: str) -> bool:
    """Whether a value that came of something can be no part of the run at all."""
    if value in ("True", "False", "None"):
        return False
    if value.lstrip("-").isdecimal():
        return value not in facts.numbers
    return not occurs(facts, value) and bool(nearest(facts, value))
