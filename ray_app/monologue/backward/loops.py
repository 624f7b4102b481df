"""`for` loops that say the same as one expression: those that only gather, and those that only search.

    for x in xs:                          [g(x) for x in xs if p(x)], ''.join(...), sum(...), {...}
        if p(x): out.append(g(x))
    for x in xs:                          any(p(x) for x in xs), and then next(g(x) for x in xs if p(x))
        if p(x): return g(x)

A loop of any other form gives nothing: one with `break`, with two variables that feed each other, with a variable that
is carried from one iteration to the next.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ray_app.monologue.backward.definitions import impure_parts, names_in, put_in

Resolve = Callable[[ast.expr], ast.expr | None]
"""An expression of the program over definitions; None where it has none."""
Start = Callable[[str], tuple[ast.expr, str] | None]
"""A variable's value before the loop, with its kind."""
EffectKind = Literal["append", "add", "operator", "prepend", "item", "method"]
_ARGUMENTS = {"sort": 0, "reverse": 0, "clear": 0, "extend": 1, "update": 1, "insert": 2}
"""Methods that change their object, with how many arguments they take."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A `for TARGET in EXPRESSION` (with a target) or an `if EXPRESSION` around an effect."""

    expression: ast.expr
    target: ast.expr | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What one statement does to one variable: `element` is what is put in or on, `key` where, `clauses` when."""

    name: str
    kind: EffectKind
    element: ast.expr
    key: ast.expr | None = None
    operator: ast.operator | None = None
    method: str = ""
    keywords: tuple[ast.keyword, ...] = ()
    clauses: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A searching loop: whether there is a hit, and what is returned at the first, on `line`."""

    line: int
    test: ast.expr
    value: ast.expr


class _OtherFormError(Exception):
    """The loop is of no form that is known here."""


def effects_of(statement: ast.stmt) -> Effect | None:
    """The effect of a statement that changes one variable by an operator or a method, None for others."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)) as call):
            return _method_effect(name, method, call)
        case ast.AugAssign(target=ast.Name(id=name)):
            return Effect(name, "operator", statement.value, operator=statement.op)
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=key)]):
            return None if isinstance(key, ast.Slice) else Effect(name, "item", statement.value, key)
        case _:
            return None


def _method_effect(name: str, method: str, call: ast.Call) -> Effect | None:
    if len(call.args) == 1 and not call.keywords and method in ("append", "add"):
        return Effect(name, "append" if method == "append" else "add", call.args[0])
    if len(call.args) == _ARGUMENTS.get(method, -1) or (method == "pop" and len(call.args) < 2):
        element = call.args[-1] if call.args else ast.Constant(None)
        key = call.args[0] if method == "insert" else None
        return Effect(name, "method", element, key, method=method, keywords=tuple(call.keywords))
    return None


def _carried(statement: ast.stmt) -> Effect | None:
    """`s = s + x` and `s = x + s`, which are no plain assignments within a loop."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp(left=ast.Name(id=left), op=op, right=right)):
            return Effect(name, "operator", right, operator=op) if left == name else None
        case _:
            pass
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp(op=ast.Add(), right=ast.Name(id=right)) as sum_):
            return Effect(name, "prepend", sum_.left) if right == name else None
        case _:
            return None


def accumulated(loop: ast.For, resolve: Resolve, start: Start) -> dict[str, ast.expr]:
    """Variable -> its value after the loop, for a loop that only gathers; else nothing."""
    try:
        plain = list(_walk(loop, (), {}))
        names = {effect.name for effect in plain}
        feeds = any(names_in(part) & names for effect in plain for part in _parts(effect))
        effects = [] if feeds else [_resolved(effect, resolve) for effect in plain]
    except _OtherFormError:
        return {}
    found: dict[str, ast.expr] = {}
    for name in dict.fromkeys(effect.name for effect in effects):
        begun = start(name)
        if begun is None:
            return {}
        value = _value_after([effect for effect in effects if effect.name == name], *begun)
        if value is None:
            return {}
        found[name] = value
    return found


def _parts(effect: Effect) -> Iterator[ast.expr]:
    yield effect.element
    yield from (clause.expression for clause in effect.clauses)
    if effect.key is not None:
        yield effect.key


def _resolved(effect: Effect, resolve: Resolve) -> Effect:
    """The effect over definitions; targets mean themselves."""
    clauses = tuple(replace(c, expression=_must(resolve(c.expression))) for c in effect.clauses)
    key = _must(resolve(effect.key)) if effect.key is not None else None
    return replace(effect, element=_must(resolve(effect.element)), key=key, clauses=clauses)


def _must(expression: ast.expr | None) -> ast.expr:
    if expression is None:
        raise _OtherFormError
    return expression


def _walk(statement: ast.stmt, around: tuple[Clause, ...], held: Mapping[str, ast.expr]) -> Iterator[Effect]:
    """`held`: what is assigned earlier in the same iteration."""
    if not isinstance(statement, ast.For) or statement.orelse:
        raise _OtherFormError
    clauses = (*around, Clause(put_in(statement.iter, held), statement.target))
    local = {name: value for name, value in held.items() if name not in names_in(statement.target)}
    yield from _body(statement.body, clauses, local)


def _body(
    statements: Sequence[ast.stmt], clauses: tuple[Clause, ...], held: Mapping[str, ast.expr]
) -> Iterator[Effect]:
    held = dict(held)
    for statement in statements:
        effect = effects_of(statement) or _carried(statement)
        match statement:
            case ast.If():
                test = put_in(statement.test, held)
                yes, no = Clause(test), Clause(ast.UnaryOp(ast.Not(), test))
                skips = isinstance(statement.body[-1], ast.Continue)
                if sum(isinstance(node, ast.Continue) for node in ast.walk(statement)) > skips:
                    raise _OtherFormError
                yield from _body(statement.body[:-1] if skips else statement.body, (*clauses, yes), held)
                yield from _body(statement.orelse, (*clauses, no), held)
                clauses = (*clauses, no) if skips else clauses
            case ast.For():
                yield from _walk(statement, clauses, held)
            case ast.Pass():
                continue
            case ast.Assign(targets=[ast.Name(id=name)]) if effect is None and len(clauses) == 1:
                # Assigned in every iteration, before it is read: as good as its value.
                held[name] = put_in(statement.value, held)
                if name in names_in(held[name]) - names_in(clauses[0].target or ast.Constant(None)):
                    raise _OtherFormError
            case _ if effect is not None and effect.kind != "method" and effect.name not in held:
                key = put_in(effect.key, held) if effect.key is not None else None
                yield replace(effect, element=put_in(effect.element, held), key=key, clauses=clauses)
            case _:
                raise _OtherFormError


def _value_after(effects: Sequence[Effect], start: ast.expr, kind: str) -> ast.expr | None:
    one = effects[0] if len(effects) == 1 else _either(effects)
    if one is None:
        return None
    clauses = _comprehensions(one.clauses)
    inner = ast.ListComp(one.element, clauses)
    match one.kind, kind, one.operator:
        case "append", "list", _:
            return _joined(start, inner)
        case "operator", "str", ast.Add():
            return _joined(start, _call_method("", inner))
        case "prepend", "str", _:
            backwards = ast.Slice(step=ast.UnaryOp(ast.USub(), ast.Constant(1)))
            listed = ast.Subscript(inner, backwards, ast.Load())
            return _joined(_call_method("", listed), start)
        case "operator", "int", ast.Add():
            return _joined(start, ast.Call(ast.Name("sum", ast.Load()), [inner], []))
        case "add", "set", _:
            gathered = ast.SetComp(one.element, clauses)
            return gathered if _is_nothing(start) else ast.BinOp(start, ast.BitOr(), gathered)
        case "item", "dict", _ if one.key is not None:
            items = ast.DictComp(one.key, one.element, clauses)
            return items if _is_nothing(start) else ast.Dict([None, None], [start, items])
        case _:
            return None


def _either(effects: Sequence[Effect]) -> Effect | None:
    """Two effects, one under a test and one under its negation, as one with a conditional element."""
    if len(effects) != 2 or len({(effect.kind, type(effect.operator)) for effect in effects}) != 1:
        return None
    yes, no = effects
    last, negated = yes.clauses[-1], no.clauses[-1]
    opposite = ast.unparse(ast.UnaryOp(ast.Not(), last.expression)) == ast.unparse(negated.expression)
    same = [ast.dump(c.expression) for c in yes.clauses[:-1]] == [ast.dump(c.expression) for c in no.clauses[:-1]]
    if not (opposite and same and last.target is None) or yes.key is not None:
        return None
    return replace(yes, element=ast.IfExp(last.expression, yes.element, no.element), clauses=yes.clauses[:-1])


def _comprehensions(clauses: Sequence[Clause]) -> list[ast.comprehension]:
    found: list[ast.comprehension] = []
    for clause in clauses:
        if clause.target is not None:
            found.append(ast.comprehension(clause.target, clause.expression, [], 0))
        else:
            found[-1].ifs.append(clause.expression)
    return found


def _is_nothing(start: ast.expr) -> bool:
    return ast.unparse(start) in ("[]", "''", "0", "{}", "set()", "list()", "dict()", "str()", "int()")


def _joined(left: ast.expr, right: ast.expr) -> ast.expr:
    if _is_nothing(left):
        return right
    return left if _is_nothing(right) else ast.BinOp(left, ast.Add(), right)


def _call_method(separator: str, argument: ast.expr) -> ast.Call:
    return ast.Call(ast.Attribute(ast.Constant(separator), "join", ast.Load()), [argument], [])


def searched(loop: ast.For, resolve: Resolve) -> Found | None:
    """What a loop that only searches finds; None where it does anything else."""
    tests: list[ast.expr] = []
    body: Sequence[ast.stmt] = loop.body
    while len(body) == 1 and isinstance(body[0], ast.If) and not body[0].orelse:
        tests.append(body[0].test)
        body = body[0].body
    if loop.orelse or len(body) != 1 or not isinstance(body[0], ast.Return) or not tests:
        return None
    returned = body[0].value or ast.Constant(None)
    test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), list(tests))
    source, condition, value = resolve(loop.iter), resolve(test), resolve(returned)
    if source is None or condition is None or value is None or any(True for _ in impure_parts(returned)):
        return None
    first = ast.comprehension(loop.target, source, [], 0)
    there_is = ast.Call(ast.Name("any", ast.Load()), [ast.GeneratorExp(condition, [first])], [])
    if names_in(value) & names_in(loop.target):
        filtered = ast.comprehension(loop.target, source, [condition], 0)
        value = ast.Call(ast.Name("next", ast.Load()), [ast.GeneratorExp(value, [filtered])], [])
    return Found(body[0].lineno, there_is, value)
