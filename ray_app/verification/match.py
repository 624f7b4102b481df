"""Which evaluation an expression in a text speaks of: the same code, or that code with values put in for operands."""

import ast
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ray_app.claims.code import is_shown_object, normal, parsed
from ray_app.semantics.record import Evaluation, Step
from ray_app.semantics.source import Source
from ray_app.verification.facts import Facts
from ray_app.verification.known import resolve, value_of

_IGNORED = frozenset(["ctx", "kind", "type_comment"])


@dataclass(frozen=True, slots=True)
class Match:
    """What an expression was: its value, whether CPython took it for true, and when. `spelled`: with values put in."""

    value: str
    truth: bool | None
    at: float
    spelled: bool = False


def matches(facts: Facts, piece: str, step: Step, state: Mapping[str, str]) -> list[Match]:
    """The evaluations in a step that the expression speaks of."""
    found = _same_code(facts, piece, step)
    if found:
        return found
    node = parsed(piece)
    if node is None or isinstance(node, (ast.Name, ast.Constant)):
        return []
    return [*_spelled(facts, node, step, state), *_augmented(facts, node, step)]


def _same_code(facts: Facts, piece: str, step: Step) -> list[Match]:
    like = nodes_like(facts.run.source, piece)
    if not like:
        return []
    evaluations, at = facts.run.evaluations, facts.evaluated_at
    return [
        Match(evaluations[index].value, evaluations[index].truth, at[index])
        for index in step.evaluations
        if evaluations[index].node in like
    ]


def _spelled(facts: Facts, node: ast.expr, step: Step, state: Mapping[str, str]) -> Iterator[Match]:
    """The evaluations whose code has the form of the expression, where each value in it is the operand's."""
    nodes = facts.run.source.nodes
    kind, value = type(node), shown(node)
    for index in step.evaluations:
        evaluation = facts.run.evaluations[index]
        code = nodes[evaluation.node]
        is_it = value is not None and value == normal(evaluation.value)
        if type(code) is kind and (is_it or _Fit(facts, step, evaluation.index, state).fits(node, code)):
            yield Match(evaluation.value, evaluation.truth, facts.evaluated_at[index], spelled=True)
        elif kind is ast.Compare and isinstance(code, ast.Compare) and len(code.ops) > 1:
            yield from _link(facts, node, code, step, evaluation, state)


def _link(
    facts: Facts, node: ast.expr, code: ast.Compare, step: Step, whole: Evaluation, state: Mapping[str, str]
) -> Iterator[Match]:
    """One link of `lo < x < 10`: CPython keeps no value of it, but its operands are recorded."""
    fit = _Fit(facts, step, whole.index, state)
    operands = [code.left, *code.comparators]
    for place, operator in enumerate(code.ops):
        link = ast.Compare(operands[place], [operator], [operands[place + 1]])
        if fit.fits(node, link):
            texts = [fit.value_of(operand) for operand in (operands[place], operands[place + 1])]
            if None not in texts:
                truth = value_of(
                    ast.unparse(ast.Compare(ast.Name("a"), [operator], [ast.Name("b")])),
                    dict(zip("ab", map(str, texts), strict=True)),
                )
                if truth is not None:
                    yield Match(truth, truth == "True", facts.evaluated_at[whole.index], spelled=True)


def _augmented(facts: Facts, node: ast.expr, step: Step) -> Iterator[Match]:
    """`0 + 6` for `total += y`: the target before, the operator, the operand; the value is the target's afterwards."""
    code = facts.run.source.nodes[step.node]
    if not (isinstance(code, ast.AugAssign) and isinstance(node, ast.BinOp) and type(node.op) is type(code.op)):
        return
    fit = _Fit(facts, step, 1 << 60, step.before)
    left = shown(node.left)
    is_left = left is not None and left == _before(facts, code.target, step, fit)
    if (is_left or same(node.left, code.target)) and fit.fits(node.right, code.value):
        after = augmented_value(facts, step)
        if after is not None:
            yield Match(after, None, facts.ended_at[step.index], spelled=True)


def _before(facts: Facts, target: ast.expr, step: Step, fit: "_Fit") -> str | None:
    """What an augmented assignment finds: a variable's value, or what its target was evaluated to."""
    found = resolve(_put(facts, target, step), step.before)
    return found if found is not None else fit.value_of(target)


def augmented_value(facts: Facts, step: Step) -> str | None:
    """What an augmented assignment assigns: read off the target, or (behind a property) worked out from the
    operands."""
    code = facts.run.source.nodes[step.node]
    assert isinstance(code, ast.AugAssign)
    after = resolve(_put(facts, code.target, step), step.after)
    if after is not None:
        return after
    fit = _Fit(facts, step, 1 << 60, step.before)
    left, right = _before(facts, code.target, step, fit), fit.value_of(code.value)
    if left is None or right is None:
        return None
    return value_of(
        ast.unparse(ast.BinOp(ast.Name("left"), code.op, ast.Name("right"))), {"left": left, "right": right}
    )


def assigned_value(facts: Facts, step: Step) -> str | None:
    """What a plain assignment assigns; for where the record shows no variables (the body of a class)."""
    code = facts.run.source.nodes[step.node]
    return _Fit(facts, step, 1 << 60, step.before).value_of(code.value) if isinstance(code, ast.Assign) else None


def operand_value(facts: Facts, code: ast.expr, step: Step) -> str | None:
    """The value of an operand in a step."""
    return _Fit(facts, step, 1 << 60, {**step.before, **dict(step.bound)}).value_of(code)


def _put(facts: Facts, target: ast.expr, step: Step) -> ast.expr:
    """A target with its keys as values: `d['a']` for `d[k]`."""
    if not isinstance(target, ast.Subscript) or isinstance(target.slice, (ast.Constant, ast.Slice)):
        return target
    key = _Fit(facts, step, 1 << 60, step.before).value_of(target.slice)
    node = parsed(key) if key is not None else None
    return ast.Subscript(_put(facts, target.value, step), node, ast.Load()) if node is not None else target


@dataclass(frozen=True, slots=True)
class _Fit:
    """Whether an expression is some code with values put in, at one evaluation of that code in a step."""

    facts: Facts
    step: Step
    until: int
    state: Mapping[str, str]

    def fits(self, piece: ast.AST, code: ast.AST) -> bool:
        """Whether the piece is the code, or has the operand's value where it differs from it."""
        if isinstance(piece, ast.expr) and isinstance(code, ast.expr):
            text = shown(piece)
            if text is not None and self.value_of(code) == text:
                return True
            if text is not None and not isinstance(piece, ast.Call):
                return False
            if isinstance(piece, ast.Attribute) and self.value_of(code) == ast.unparse(piece):
                return True  # a member of an enumeration, as it is shown
        if type(piece) is not type(code):
            return False
        return all(
            self._field(getattr(piece, name, None), getattr(code, name, None))
            for name in piece._fields
            if name not in _IGNORED
        )

    def _field(self, piece: object, code: object) -> bool:
        if isinstance(piece, ast.AST) and isinstance(code, ast.AST):
            return self.fits(piece, code)
        if isinstance(piece, list) and isinstance(code, list):
            return len(piece) == len(code) and all(map(self._field, piece, code))
        return piece == code

    def value_of(self, code: ast.expr) -> str | None:
        """The value of an operand: the last time it was evaluated before the whole was."""
        if isinstance(code, ast.Constant):
            return shown(code)
        number = self.facts.number(code)
        for index in reversed(self.step.evaluations):
            if index < self.until and self.facts.run.evaluations[index].node == number:
                return self.facts.run.evaluations[index].value
        if isinstance(code, ast.Name):
            return self.state.get(code.id)
        return shown(code)


@functools.lru_cache(maxsize=16_384)
def shown(node: ast.expr) -> str | None:
    """The value that an expression shows, None where it is more than a value."""
    if isinstance(node, ast.Constant):
        return _constant(type(node.value).__name__, node.value) if not isinstance(node.value, type(...)) else None
    if not is_shown_object(node):
        return None
    return normal(ast.unparse(node))


@functools.lru_cache(maxsize=4_096)
def _constant(kind: str, value: object) -> str:
    return normal(repr(value))


@functools.lru_cache(maxsize=16_384)
def nodes_like(source: Source, piece: str) -> frozenset[int]:
    """The expressions of a program that are this code; how it is written (spaces, quotes, brackets) makes no
    difference."""
    found = _texts(source).get(_squeezed(piece))
    if found is not None:
        return found
    node = parsed(piece)
    if node is None:
        return frozenset()
    return frozenset(number for number in _by_type(source).get(type(node), ()) if same(node, source.nodes[number]))


@functools.lru_cache(maxsize=256)
def _texts(source: Source) -> dict[str, frozenset[int]]:
    """The expressions by their text, without what makes no difference."""
    found: dict[str, list[int]] = {}
    for numbers in _by_type(source).values():
        for number in numbers:
            found.setdefault(_squeezed(source.text(number)), []).append(number)
    return {text: frozenset(numbers) for text, numbers in found.items()}


def _squeezed(text: str) -> str:
    return text if text.isidentifier() else text.replace(" ", "").replace('"', "'")


@functools.lru_cache(maxsize=256)
def _by_type(source: Source) -> dict[type[ast.AST], tuple[int, ...]]:
    found: dict[type[ast.AST], list[int]] = {}
    for number, node in enumerate(source.nodes):
        if isinstance(node, ast.expr):
            found.setdefault(type(node), []).append(number)
    return {kind: tuple(numbers) for kind, numbers in found.items()}


def same(one: object, other: object) -> bool:
    """Whether two trees are the same code."""
    if isinstance(one, ast.AST) and isinstance(other, ast.AST):
        return type(one) is type(other) and all(
            same(getattr(one, name, None), getattr(other, name, None)) for name in one._fields if name not in _IGNORED
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other
