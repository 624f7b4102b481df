"""What `expression == value` says about the operands: only inversions that are exact, each with its reason.

    n * 2 + 1 == 7        n * 2 == 6, n == 3
    text[::-1] == 'ab'    text == 'ba'
    line.split(',') == ['a', 'b']      line == 'a,b'
    [g(x) for x in xs] == [1, 2]       len(xs) == 2

Exact means: whoever meets the first meets the second, for values of the kinds given.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ray_app.monologue.backward.definitions import IMMUTABLE, kind_of, names_in
from ray_app.parsing import parse_expression
from ray_app.programs.inputs import literal

_MAX_STEPS = 6


@dataclass(frozen=True, slots=True)
class Inversion:
    """A predicate that follows, and the operation that was turned round, in words."""

    predicate: ast.expr
    because: str


def equals(expression: ast.expr, value: Any) -> ast.expr:
    """`expression == value`; `is` for what is only one."""
    operator = ast.Is() if value is None else ast.Eq()
    return ast.Compare(expression, [operator], [_literal(value)])


def _is_whole(value: Any) -> bool:
    return type(value) is int


def _literal(value: Any) -> ast.expr:
    return parse_expression(literal(value))  # sets in order, whatever the hash seed


def inversions(expression: ast.expr, value: Any, kinds: Mapping[str, str]) -> list[Inversion]:
    """What follows step by step from the expression having this value, the expression's own equation left out."""
    found: list[Inversion] = []
    waiting: list[tuple[ast.expr, Any]] = [(expression, value)]
    for _ in range(_MAX_STEPS):
        if not waiting:
            break
        current, wanted = waiting.pop(0)
        for operand, inner, because in _turned(current, wanted, dict(kinds)):
            if names_in(operand):
                found.append(Inversion(equals(operand, inner), because))
                waiting.append((operand, inner))
        found += [Inversion(predicate, because) for predicate, because in _consequences(current, wanted, dict(kinds))]
    return found


def _turned(node: ast.expr, value: Any, kinds: dict[str, str]) -> Iterator[tuple[ast.expr, Any, str]]:
    """(operand, the value it has, why)."""
    match node:
        case ast.BinOp(op=ast.Add()):
            yield from _of_sum(node, value, kinds)
        case ast.BinOp(op=ast.Sub()) if _is_whole(value):
            left, right = _number(node.left), _number(node.right)
            if right is not None and kind_of(node.left, kinds) == "int":
                yield node.left, value + right, f"{right} is subtracted from it"
            if left is not None and kind_of(node.right, kinds) == "int":
                yield node.right, left - value, f"it is subtracted from {left}"
        case ast.BinOp(op=ast.Mult()) if _is_whole(value):
            for operand, factor in ((node.left, _number(node.right)), (node.right, _number(node.left))):
                if factor and kind_of(operand, kinds) == "int" and value % factor == 0:
                    yield operand, value // factor, f"it is multiplied by {factor}"
        case ast.UnaryOp(op=ast.USub()) if _is_whole(value) and kind_of(node.operand, kinds) == "int":
            yield node.operand, -value, "its sign is changed"
        case ast.UnaryOp(op=ast.Not()) if kind_of(node.operand, kinds) == "bool":
            yield node.operand, not value, "it is negated"
        case ast.Tuple() | ast.List() if type(value) in (list, tuple) and len(node.elts) == len(value):
            if not any(isinstance(part, ast.Starred) for part in node.elts):
                yield from ((part, one, "it is one of the items") for part, one in zip(node.elts, value, strict=True))
        case ast.Subscript(slice=ast.Slice(lower=None, upper=None, step=step)) if step is not None:
            if ast.unparse(step) == "-1" and kind_of(node.value, kinds) in ("str", "list", "tuple"):
                yield node.value, value[::-1], "it is reversed"
        case ast.Call():
            yield from _of_call(node, value, kinds)
        case _:
            return


def _number(node: ast.expr) -> int | None:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
    return value if _is_whole(value) else None


def _of_sum(node: ast.BinOp, value: Any, kinds: dict[str, str]) -> Iterator[tuple[ast.expr, Any, str]]:
    for operand, other, is_last in ((node.left, node.right, False), (node.right, node.left, True)):
        try:
            known: Any = ast.literal_eval(other)
        except (ValueError, TypeError):
            continue
        kind = kind_of(operand, kinds)
        if _is_whole(known) and _is_whole(value) and kind == "int":
            yield operand, value - known, f"{known} is added to it"
        elif known and type(known) is type(value) and kind == type(value).__name__ in ("str", "list", "tuple"):
            size = len(known)
            if is_last and value[:size] == known:
                yield operand, value[size:], f"it follows {known!r}"
            elif not is_last and value[-size:] == known:
                yield operand, value[:-size], f"{known!r} follows it"


def _of_call(node: ast.Call, value: Any, kinds: dict[str, str]) -> Iterator[tuple[ast.expr, Any, str]]:
    match node:
        case ast.Call(func=ast.Attribute(value=text, attr="split"), args=[ast.Constant(value=str() as separator)]):
            parts = value if isinstance(value, list) and all(isinstance(part, str) for part in value) else None
            if parts is not None and not node.keywords and kind_of(text, kinds) == "str":
                yield text, separator.join(parts), f"it is split at every {separator!r}"
        case ast.Call(
            func=ast.Attribute(value=ast.Constant(value=""), attr="join"),
            args=[ast.Call(func=ast.Name(id="reversed"), args=[argument])],
        ) if kind_of(argument, kinds) == "str":
            yield argument, value[::-1], "its characters are turned round"
        case ast.Call(func=ast.Name(id="str"), args=[argument]) if kind_of(argument, kinds) == "int":
            yield argument, int(value), "a whole number is written in one way only"
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=""), attr="join"), args=[argument]):
            source = _all_items_of(argument)
            if source is not None and kind_of(source, kinds) == "str":
                yield source, value, "its characters are joined again"
        case ast.Call(func=ast.Name(id="list" | "tuple" as made), args=[argument]):
            kind = kind_of(argument, kinds)
            if kind in ("list", "tuple") and made in ("list", "tuple") and isinstance(value, (list, tuple)):
                yield argument, {"list": list, "tuple": tuple}[kind](value), "its items are copied"
        case ast.Call(func=ast.Attribute(value=operand, attr="copy"), args=[]):
            yield operand, value, "it is copied"
        case _:
            return


def _all_items_of(node: ast.expr) -> ast.expr | None:
    """X in `list(X)` and in `[x for x in X]`."""
    match node:
        case ast.Call(func=ast.Name(id="list"), args=[argument]):
            return argument
        case (
            ast.ListComp(elt=ast.Name(id=name), generators=[clause])
            | ast.GeneratorExp(elt=ast.Name(id=name), generators=[clause])
        ):
            plain = isinstance(clause.target, ast.Name) and clause.target.id == name and not clause.ifs
            return clause.iter if plain else None
        case ast.Name():
            return node
        case _:
            return None


def _consequences(node: ast.expr, value: Any, kinds: dict[str, str]) -> Iterator[tuple[ast.expr, str]]:
    """Weaker predicates that follow."""
    match node:
        case ast.ListComp(elt=element, generators=[clause]) if isinstance(value, list):
            yield from _of_items(element, clause, value, kinds, len(value))
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as separator), attr="join"), args=[argument]):
            if isinstance(argument, (ast.ListComp, ast.GeneratorExp)) and len(argument.generators) == 1:
                clause = argument.generators[0]
                is_item = isinstance(clause.target, ast.Name) and ast.unparse(argument.elt) == clause.target.id
                if is_item and separator == "" and kind_of(clause.iter, kinds) == "str":
                    yield from _of_items(argument.elt, clause, value, kinds, len(value))
            elif separator and value and kind_of(argument, kinds) != "iterator":
                most = value.count(separator) + 1
                yield _measured(argument, ast.LtE(), most), f"joining puts {separator!r} between any two"
        case ast.Call(func=ast.Name(id="sorted"), args=[argument, *_]) if isinstance(value, list):
            if kind_of(argument, kinds) != "iterator":
                yield _measured(argument, ast.Eq(), len(value)), "sorting keeps every item"
        case ast.Call(func=ast.Name(id="len"), args=[argument]) if value == 0:
            if kind_of(argument, kinds) == "str":
                yield equals(argument, ""), "only the empty string has no characters"
        case ast.Call(func=ast.Attribute(value=text, attr=method)) if (
            kind_of(text, kinds) == "str" == type(value).__name__
        ):
            yield from _of_text_method(text, method, value)
        case ast.Subscript(slice=ast.Slice()) if (
            kind_of(node.value, kinds) == "str" and value and _runs_by_one(node.slice)
        ):
            yield ast.Compare(_literal(value), [ast.In()], [node.value]), "a slice is a part of the whole"
        case ast.BinOp(op=ast.Add()) if isinstance(value, str) and not {_constant(node.left), _constant(node.right)} & {
            True
        }:
            yield _method_call(_literal(value), "startswith", node.left), "it stands in front"
            yield _method_call(_literal(value), "endswith", node.right), "it stands at the end"
        case ast.Call(func=ast.Name(id="set"), args=[argument]) if value and isinstance(value, set):
            yield _measured(argument, ast.GtE(), len(value)), "a set has every item once"
        case ast.Call(func=ast.Name(id="max" | "min" as name), args=[argument]) if type(value) in (int, str):
            yield ast.Compare(_literal(value), [ast.In()], [argument]), f"`{name}` gives one of the items"
        case ast.BinOp(op=ast.FloorDiv(), left=operand, right=ast.Constant(value=int() as divisor)) if divisor > 0:
            if kind_of(operand, kinds) == "int" and _is_whole(value):
                low, high = _literal(int(value) * divisor), _literal(int(value) * divisor + divisor)
                between = ast.Compare(low, [ast.LtE(), ast.Lt()], [operand, high])
                yield between, f"it is divided by {divisor}, rounded down"
        case _:
            return


def _of_items(
    element: ast.expr, clause: ast.comprehension, value: Any, kinds: dict[str, str], count: int | None
) -> Iterator[tuple[ast.expr, str]]:
    """What a comprehension over `clause` says about its source."""
    if not names_in(clause.iter) or kind_of(clause.iter, kinds) == "iterator":
        return
    if count is not None:
        operator = ast.GtE() if clause.ifs else ast.Eq()
        reason = "some items may be left out" if clause.ifs else "there is one for each item"
        yield _measured(clause.iter, operator, count), reason
    same = isinstance(clause.target, ast.Name) and ast.unparse(element) == clause.target.id
    is_listed = kind_of(clause.iter, kinds) in (*IMMUTABLE, "list") and isinstance(value, (list, str))
    if same and value and is_listed and all(isinstance(item, (str, int, float)) for item in value):
        items = ast.Call(ast.Name("set", ast.Load()), [clause.iter], [])
        yield ast.Compare(_literal(set(value)), [ast.LtE()], [items]), "each item comes from there"


def _measured(argument: ast.expr, operator: ast.cmpop, size: int) -> ast.expr:
    return ast.Compare(ast.Call(ast.Name("len", ast.Load()), [argument], []), [operator], [_literal(size)])


def _of_text_method(text: ast.expr, method: str, value: str) -> Iterator[tuple[ast.expr, str]]:
    if method in ("strip", "lstrip", "rstrip", "removeprefix", "removesuffix") and value:
        yield ast.Compare(_literal(value), [ast.In()], [text]), f"`{method}` only takes away at the ends"
    elif method in ("ljust", "rjust", "center"):
        yield ast.Compare(text, [ast.In()], [_literal(value)]), f"`{method}` only adds at the ends"


def _runs_by_one(part: ast.expr) -> bool:
    return isinstance(part, ast.Slice) and part.step is None


def _constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)


def _method_call(owner: ast.expr, method: str, argument: ast.expr) -> ast.Call:
    return ast.Call(ast.Attribute(owner, method, ast.Load()), [argument], [])
