"""What a function's summary says about every input that gives an output: facts, each of them necessary.

A way that cannot end in the output (another constant, another type, an exception) is excluded, so the test that leads
there must have failed. Where several ways remain, the facts of each hold only with its test, and are said so.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ray_app.monologue.backward.definitions import kind_of
from ray_app.monologue.backward.inversion import equals
from ray_app.monologue.backward.summary import Fork, Leaf, Summary, Tree
from ray_app.programs.inputs import literal

FactKind = Literal["result", "test", "either"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A predicate over definitions, and the line that it comes from: a returned value, a test, or a choice between.

    `test` is what a choice depends on; `item` the value of `returned` where that is an item of the result only.
    """

    kind: FactKind
    line: int
    predicate: ast.expr
    returned: ast.expr | None = None
    test: ast.expr | None = None
    item: str = ""


Facts = tuple[Fact, ...]


def necessary(summary: Summary, output: Any) -> Facts:
    """The facts that every input with this output meets, as far as the summary shows them."""
    return _of(summary, summary.tree, output) or ()


def _of(summary: Summary, tree: Tree, output: Any) -> Facts | None:
    """None: no input that goes this way gives the output."""
    if isinstance(tree, Leaf):
        return _of_leaf(summary, tree, output)
    kinds = dict(summary.kinds)
    yes, no = _of(summary, tree.yes, output), _of(summary, tree.no, output)
    if yes is None and no is None:
        return None
    if yes is None or no is None:
        remaining = (no if yes is None else yes) or ()
        if tree.test is None:
            return remaining
        test = negated(tree.test, kinds) if yes is None else as_condition(tree.test, kinds)
        return (Fact("test", tree.line, test), *remaining)
    return _of_both(tree, yes, no, kinds)


def _of_leaf(summary: Summary, leaf: Leaf, output: Any) -> Facts | None:
    if leaf.raises:
        return None
    if leaf.value is None:
        return _of_parts(summary, leaf, output) if leaf.parts else ()
    over, kinds = summary.over_parameters(leaf.value), summary.kinds
    try:
        known = ast.literal_eval(over) if over is not None else ...
    except (ValueError, TypeError):
        known = ...
    if isinstance(over, ast.IfExp):
        ways = Leaf(leaf.line, over.body), Leaf(leaf.line, over.orelse)
        return _of(summary, Fork(leaf.line, over.test, *ways), output)
    if known is not ...:
        return () if type(known) is type(output) and known == output else None
    kind = kind_of(leaf.value, dict(kinds))
    if kind and kind not in ("iterator", type(output).__name__):
        return None
    predicate = as_condition(leaf.value, kinds) if output is True and kind == "bool" else equals(leaf.value, output)
    predicate = negated(leaf.value, kinds) if output is False and kind == "bool" else predicate
    return (Fact("result", leaf.line, predicate, leaf.value),)


def _of_parts(summary: Summary, leaf: Leaf, output: Any) -> Facts | None:
    """Of a tuple or list, what its items say that can be said."""
    if type(output).__name__ != leaf.kind or len(output) != len(leaf.parts):
        return None
    found: list[Fact] = []
    for part, item in zip(leaf.parts, output, strict=True):
        facts = _of_leaf(summary, Leaf(leaf.line, part), item)
        if facts is None:
            return None
        found += [replace(fact, item=literal(item)) for fact in facts]
    return tuple(found)


def _of_both(tree: Fork, yes: Facts, no: Facts, kinds: Mapping[str, str]) -> Facts:
    """Both ways are open: what is necessary is one or the other."""
    shared = tuple(fact for fact in yes if any(_same(fact, other) for other in no))
    yes = tuple(fact for fact in yes if not any(_same(fact, other) for other in shared))
    no = tuple(fact for fact in no if not any(_same(fact, other) for other in shared))
    either = _choice(tree.test, yes, no, kinds)
    nested = any(fact.kind == "either" for fact in (*yes, *no))
    if either is None or nested:
        return shared
    return (*shared, Fact("either", tree.line, either, test=tree.test))


def _choice(test: ast.expr | None, yes: Facts, no: Facts, kinds: Mapping[str, str]) -> ast.expr | None:
    """The facts of one way or of the other, as one predicate."""
    if test is None:
        return ast.BoolOp(ast.Or(), [_all(yes), _all(no)]) if yes and no else None
    if yes and no:
        return ast.IfExp(test, _all(yes), _all(no))
    if yes:
        return ast.BoolOp(ast.Or(), [negated(test, kinds), _all(yes)])
    return ast.BoolOp(ast.Or(), [as_condition(test, kinds), _all(no)]) if no else None


def _same(one: Fact, other: Fact) -> bool:
    return ast.dump(one.predicate) == ast.dump(other.predicate)


def _all(facts: Facts) -> ast.expr:
    predicates = [fact.predicate for fact in facts]
    return predicates[0] if len(predicates) == 1 else ast.BoolOp(ast.And(), predicates)


_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPPOSITE_ORDER: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
}


def as_condition(test: ast.expr, kinds: Mapping[str, str]) -> ast.expr:
    """The test as a predicate: a plain value is asked for its truth."""
    if kind_of(test, dict(kinds)) == "bool":
        return test
    return ast.Call(ast.Name("bool", ast.Load()), [test], [])


def negated(test: ast.expr, kinds: Mapping[str, str]) -> ast.expr:
    """The predicate that the test fails. Orders are turned round only for whole numbers: sets and NaN have others."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return as_condition(test.operand, kinds)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        table = dict(_OPPOSITE)
        if kind_of(test.left, dict(kinds)) == "int" and kind_of(test.comparators[0], dict(kinds)) == "int":
            table |= _OPPOSITE_ORDER
        opposite = table.get(type(test.ops[0]))
        if opposite is not None:
            return ast.Compare(test.left, [opposite()], test.comparators)
    return ast.UnaryOp(ast.Not(), test)
