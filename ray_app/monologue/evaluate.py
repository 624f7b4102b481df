"""The value of a pure expression over known values: an interpreter of its own for a small, bounded part of Python.

It reads values from the canonical text of a trace and never runs the program's code. Whatever it does not know (a user
function, a method that mutates, a value that is no literal, a result that would be large) raises `Unknown`, so a
result is always Python's own result. An error that Python would raise (an index out of range, say) raises `Fails`,
which is an `Unknown` too.
"""

import ast
import functools
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from ray_app import parsing

_LARGE = 4_096


class Unknown(Exception):
    """The expression's value cannot be told from what is known."""


class Fails(Unknown):
    """It has none: Python would raise."""


_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_UNARY: dict[type, Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
_COMPARE: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_BUILTINS: dict[str, Any] = {
    function.__name__: function
    for function in (
        *(abs, all, any, bool, chr, dict, divmod, enumerate, filter, float, frozenset, hex, int, isinstance, len, list),
        *(map, max, min, oct, ord, range, reversed, round, set, sorted, str, sum, tuple, zip, bin, repr, type),
    )
}
_KNOWN_FUNCTIONS = frozenset(_BUILTINS.values())
_words = str.split
_STRING_METHODS = _words(
    "capitalize casefold count endswith find index isalnum isalpha isascii isdecimal isdigit isidentifier islower "
    "isnumeric isprintable isspace istitle isupper join lower lstrip partition removeprefix removesuffix replace "
    "rfind rindex rpartition rsplit rstrip split splitlines startswith strip swapcase title upper center ljust "
    "rjust zfill"
)
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(_STRING_METHODS),
    list: frozenset({"count", "index", "copy"}),
    tuple: frozenset({"count", "index"}),
    dict: frozenset({"get", "items", "keys", "values", "copy"}),
    set: frozenset({"union", "intersection", "difference", "issubset", "issuperset", "isdisjoint", "copy"}),
    frozenset: frozenset({"union", "intersection", "difference", "issubset", "issuperset", "isdisjoint"}),
    int: frozenset({"bit_length"}),
    float: frozenset({"is_integer"}),
}
_ERRORS = (
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RecursionError,
    MemoryError,
    StopIteration,
)


_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_PLAIN_STRING = re.compile(r"'[^'\\\n]*'")


def parse_value(text: str) -> Any:
    """The value of a canonical text, shared between callers: never mutate it. Raises Unknown where it is no literal."""
    value = _parsed_value(text)
    if value is _NO_LITERAL:
        raise Unknown(text[:40])
    return value


_NO_LITERAL = object()


@functools.lru_cache(maxsize=8_192)
def _parsed_value(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _PLAIN_STRING.fullmatch(text):
        return text[1:-1]
    try:
        return literal(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return _NO_LITERAL


def literal(node: ast.expr) -> Any:
    """`ast.literal_eval` that also knows `set()`, `frozenset(...)`, nan and inf. Raises ValueError for other things,
    and for `...`: in a value it stands for what is not shown, of a list that contains itself, say.
    """
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset"):
        make = set if node.func.id == "set" else frozenset
        return make(literal(node.args[0])) if node.args else make()
    if isinstance(node, ast.Name) and node.id in ("nan", "inf"):
        return float(node.id)
    if any(isinstance(part, ast.Constant) and part.value is ... for part in ast.walk(node)):
        raise ValueError("not shown")
    return ast.literal_eval(node)


@functools.lru_cache(maxsize=8_192)
def parse_expression(text: str) -> ast.expr:
    """The syntax tree of an expression. Raises Unknown where it is none."""
    try:
        return parsing.parse_expression(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unknown(text[:40]) from error


@functools.lru_cache(maxsize=8_192)
def unparsed(node: ast.AST) -> str:
    """`ast.unparse`, remembered by node: trees of programs live long and are told often."""
    return ast.unparse(node)


@functools.lru_cache(maxsize=8_192)
def names_in(node: ast.AST) -> tuple[str, ...]:
    """The names that a tree holds, each once, in order of appearance (breadth first)."""
    return tuple(dict.fromkeys(part.id for part in ast.walk(node) if isinstance(part, ast.Name)))


def evaluate(expression: str | ast.expr, state: Mapping[str, str]) -> Any:
    """The value of the expression where the names have the canonical values of `state`. Raises Unknown."""
    node = parse_expression(expression) if isinstance(expression, str) else expression
    try:
        value = _value(node, state, {})
    except _ERRORS as error:
        raise Fails(f"{type(error).__name__}: {error}") from error
    if callable(value):
        raise Unknown("a function")
    return value


def _bounded(value: Any) -> Any:
    if isinstance(value, (str, list, tuple, dict, set, frozenset)) and len(value) > _LARGE:
        raise Unknown("large")
    if isinstance(value, int) and value.bit_length() > _LARGE:
        raise Unknown("large")
    return value


def _value(node: ast.expr, state: Mapping[str, str], bound: dict[str, Any]) -> Any:
    handler = _HANDLERS.get(type(node))
    if handler is None:
        raise Unknown(type(node).__name__)
    return _bounded(handler(node, state, bound))


def _name(node: Any, state: Mapping[str, str], bound: dict[str, Any]) -> Any:
    if node.id in bound:
        return bound[node.id]
    if node.id in state:
        return parse_value(state[node.id])
    if node.id in _BUILTINS:
        return _BUILTINS[node.id]
    raise Unknown(node.id)


def _binary(node: Any, state: Mapping[str, str], bound: dict[str, Any]) -> Any:
    left, right = _value(node.left, state, bound), _value(node.right, state, bound)
    if isinstance(node.op, ast.Mult) and _growth(left, right) > _LARGE:
        raise Unknown("large")
    if isinstance(node.op, ast.LShift) and isinstance(right, int) and right > _LARGE:
        raise Unknown("large")
    if isinstance(node.op, ast.Pow) and isinstance(right, int) and _size(left) * abs(right) > _LARGE:
        raise Unknown("large")
    if isinstance(node.op, ast.Mod) and isinstance(left, str):
        raise Unknown("formatting")
    return _BINARY[type(node.op)](left, right)


def _size(value: Any) -> int:
    if isinstance(value, int):
        return max(value.bit_length(), 1)
    return len(value) if isinstance(value, (str, list, tuple)) else 1


def _growth(left: Any, right: Any) -> int:
    if isinstance(left, int) and isinstance(right, int):
        return left.bit_length() + right.bit_length()
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, (str, list, tuple)) and isinstance(times, int):
            return len(sequence) * max(times, 0)
    return 0


def _boolean(node: Any, state: Mapping[str, str], bound: dict[str, Any]) -> Any:
    stop_at = isinstance(node.op, ast.Or)
    value: Any = None
    for part in node.values:
        value = _value(part, state, bound)
        if bool(value) is stop_at:
            return value
    return value


def _compare(node: Any, state: Mapping[str, str], bound: dict[str, Any]) -> bool:
    left = _value(node.left, state, bound)
    for operation, comparator in zip(node.ops, node.comparators, strict=True):
        right = _value(comparator, state, bound)
        if isinstance(operation, (ast.Is, ast.IsNot)) and not any(
            v is None or isinstance(v, bool) for v in (left, right)
        ):
            raise Unknown("identity")
        if not _COMPARE[type(operation)](left, right):
            return False
        left = right
    return True


def _subscript(node: Any, state: Mapping[str, str], bound: dict[str, Any]) -> Any:
    value = _value(node.value, state, bound)
    if isinstance(node.slice, ast.Slice):
        ends = [
            None if end is None else _value(end, state, bound)
            for end in (node.slice.lower, node.slice.upper, node.slice.step)
        ]
        return value[slice(*ends)]
    return value[_value(node.slice, state, bound)]


def _call(node: Any, state: Mapping[str, str], bound: dict[str, Any]) -> Any:
    if any(isinstance(argument, ast.Starred) for argument in node.args) or any(k.arg is None for k in node.keywords):
        raise Unknown("star arguments")
    if isinstance(node.func, ast.Attribute):
        owner = _value(node.func.value, state, bound)
        methods = _METHODS.get(type(owner))
        if methods is None or node.func.attr not in methods:
            raise Unknown(node.func.attr)
        function = getattr(owner, node.func.attr)
    else:
        called = _value(node.func, state, bound)
        if not callable(called) or called not in _KNOWN_FUNCTIONS:
            raise Unknown("a call")
        function = cast("Callable[..., Any]", called)
    arguments = [_value(argument, state, bound) for argument in node.args]
    keywords = {keyword.arg: _value(keyword.value, state, bound) for keyword in node.keywords}
    if any(isinstance(a, int) and not isinstance(a, bool) and abs(a) > 10**6 for a in arguments) and isinstance(
        node.func, ast.Attribute
    ):
        raise Unknown("large")
    if function is range and len(range(*arguments)) > _LARGE:
        raise Unknown("large")
    result: Any = function(*arguments, **keywords)
    if isinstance(result, (map, filter, zip, enumerate, reversed)) or type(result).__name__.endswith("iterator"):
        return list(result)
    if type(result).__name__ in ("dict_items", "dict_keys", "dict_values"):
        return list(result)
    return result


def _lambda(node: Any, state: Mapping[str, str], bound: dict[str, Any]) -> Any:
    names = [argument.arg for argument in node.args.args]
    if node.args.defaults or node.args.vararg or node.args.kwarg or node.args.kwonlyargs:
        raise Unknown("lambda")
    return lambda *values: _value(node.body, state, {**bound, **dict(zip(names, values, strict=True))})


def _comprehension(node: Any, state: Mapping[str, str], bound: dict[str, Any]) -> Any:
    rows: list[Any] = []

    def walk(depth: int, inner: dict[str, Any]) -> None:
        if depth == len(node.generators):
            if isinstance(node, ast.DictComp):
                rows.append((_value(node.key, state, inner), _value(node.value, state, inner)))
            else:
                rows.append(_value(node.elt, state, inner))
            _bounded(rows)
            return
        generator = node.generators[depth]
        for item in _value(generator.iter, state, inner):
            scope = {**inner, **_bind(generator.target, item)}
            if all(_value(test, state, scope) for test in generator.ifs):
                walk(depth + 1, scope)

    walk(0, dict(bound))
    if isinstance(node, ast.DictComp):
        return dict(rows)
    return set(rows) if isinstance(node, ast.SetComp) else rows


def _bind(target: ast.expr, item: Any) -> dict[str, Any]:
    if isinstance(target, ast.Name):
        return {target.id: item}
    if isinstance(target, (ast.Tuple, ast.List)):
        parts = list(item)
        if len(parts) != len(target.elts):
            raise Unknown("unpacking")
        found: dict[str, Any] = {}
        for part, value in zip(target.elts, parts, strict=True):
            found.update(_bind(part, value))
        return found
    raise Unknown("target")


def _conditional(node: Any, state: Mapping[str, str], bound: dict[str, Any]) -> Any:
    return _value(node.body if _value(node.test, state, bound) else node.orelse, state, bound)


def _elements(node: Any, state: Mapping[str, str], bound: dict[str, Any]) -> list[Any]:
    values: list[Any] = []
    for element in node.elts:
        if isinstance(element, ast.Starred):
            values.extend(_value(element.value, state, bound))
        else:
            values.append(_value(element, state, bound))
    return values


def _dictionary(node: Any, state: Mapping[str, str], bound: dict[str, Any]) -> dict[Any, Any]:
    if any(key is None for key in node.keys):
        raise Unknown("**")
    return {
        _value(key, state, bound): _value(value, state, bound)
        for key, value in zip(node.keys, node.values, strict=True)
    }


def _joined(node: Any, state: Mapping[str, str], bound: dict[str, Any]) -> str:
    parts: list[str] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
            continue
        if part.format_spec is not None or part.conversion not in (-1, 114, 115):
            raise Unknown("format")
        value = _value(part.value, state, bound)
        parts.append(repr(value) if part.conversion == 114 else str(value))
    return "".join(parts)


_HANDLERS: dict[type, Callable[[Any, Mapping[str, str], dict[str, Any]], Any]] = {
    ast.Constant: lambda node, _state, _bound: node.value,
    ast.Name: _name,
    ast.BinOp: _binary,
    ast.UnaryOp: lambda node, state, bound: _UNARY[type(node.op)](_value(node.operand, state, bound)),
    ast.BoolOp: _boolean,
    ast.Compare: _compare,
    ast.Subscript: _subscript,
    ast.Call: _call,
    ast.Lambda: _lambda,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.IfExp: _conditional,
    ast.Tuple: lambda node, state, bound: tuple(_elements(node, state, bound)),
    ast.List: _elements,
    ast.Set: lambda node, state, bound: set(_elements(node, state, bound)),
    ast.Dict: _dictionary,
    ast.JoinedStr: _joined,
}


def show(value: Any) -> str:
    """The canonical text of a plain value: Python's repr, with sets in sorted order of their texts."""
    if isinstance(value, (set, frozenset)):
        inner = ", ".join(sorted(show(item) for item in value))
        if isinstance(value, set):
            return "{" + inner + "}" if value else "set()"
        return "frozenset({" + inner + "})" if value else "frozenset()"
    if type(value) is list:
        return "[" + ", ".join(show(item) for item in value) + "]"
    if type(value) is tuple:
        return "(" + ", ".join(show(item) for item in value) + ("," if len(value) == 1 else "") + ")"
    if type(value) is dict:
        return "{" + ", ".join(f"{show(k)}: {show(v)}" for k, v in value.items()) + "}"
    return repr(value)


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are the same value of the same type, through and through (1 is not True, not 1.0)."""
    return type(one) is type(other) and show(one) == show(other)
