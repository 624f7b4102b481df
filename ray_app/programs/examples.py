"""First inputs for a mined function: from its doctests, from calls elsewhere in the tree, from its signature and use.

Guesses are only candidates: execution decides which of them the function accepts.
"""

import ast
import doctest
import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ray_app.programs.inputs import Call, literal_arguments

MAX_CALLS_PER_NAME = 12

_words = str.split

_STR_METHODS = frozenset(m for m in dir(str) if not m.startswith("_")) - frozenset({"index", "count"})
_LIST_METHODS = frozenset({"append", "extend", "insert", "sort", "reverse"})
_DICT_METHODS = frozenset({"items", "keys", "values", "get", "setdefault"})
_SET_METHODS = frozenset({"add", "discard", "union", "intersection", "difference", "issubset", "isdisjoint"})
_BYTES_METHODS = frozenset({"decode", "hex"})

_ATTRIBUTES = frozenset(
    name for kind in (str, bytes, int, float, list, tuple, dict, set) for name in dir(kind)
)  # what a literal has

_TAKE_BYTES = ("zlib.", "binascii.", "base64.", "hashlib.", "struct.unpack", "int.from_bytes", "codecs.decode")

_NAMES: dict[str, str] = {
    **dict.fromkeys(
        _words("n i j k m x y z a b count size num number index width height length depth year month day"), "int"
    ),
    **dict.fromkeys(_words("p q base limit max_len maxlen level offset start stop end step pos indent"), "int"),
    **dict.fromkeys(
        _words("s text string name line word path key prefix suffix msg message label title source src"), "str"
    ),
    **dict.fromkeys(
        _words("pattern filename url value data content token expr code sep delimiter char c st txt"), "str"
    ),
    **dict.fromkeys(
        _words("lst items seq sequence values iterable arr array nums numbers xs args elements it list_"), "list"
    ),
    **dict.fromkeys(_words("lines words names strings keys tokens paths parts labels"), "list[str]"),
    **dict.fromkeys(_words("matrix grid rows table"), "list[list]"),
    **dict.fromkeys(_words("pairs edges intervals"), "list[tuple]"),
    **dict.fromkeys(_words("d mapping dct dictionary config options params kwargs mapping_ attrs"), "dict"),
    **dict.fromkeys(_words("flag strict verbose reverse inplace"), "bool"),
    **dict.fromkeys(_words("shape dims point size_"), "tuple"),
}

_VALUES: dict[str, tuple[Any, ...]] = {
    "int": (5, 12, 3, 0, 37, -4),
    "float": (2.5, 0.75, 10.0, -1.5),
    "bool": (True, False),
    "str": ("hello world", "a,b,c", "Abc_123", "2024-01-15", "  two  words ", "x = 1 + y", "lib/module/file.py"),
    "bytes": (b"hello", b"\x00\x01\xff", b"a,b,c"),
    "list": ([3, 1, 2], [5, 5, 8, 0], ["b", "a", "c"], []),
    "list[str]": (["alpha", "beta", "gamma"], ["x", "", "yy"], ["a b", "c"]),
    "list[list]": ([[1, 2], [3, 4]], [[1, 0, 2], [0, 3, 1]], [["a", "b"], ["c"]]),
    "list[tuple]": ([(1, 2), (2, 3)], [("a", 1), ("b", 2)], [(0, 5), (3, 8), (9, 9)]),
    "tuple": ((2, 3), (1, 2, 3), ("a", "b")),
    "dict": ({"a": 1, "b": 2}, {"x": "1", "y": "2"}, {"k": [1, 2]}, {}),
    "set": ({1, 2, 3}, {"a", "b"}),
    "none": (None,),
}


def doctest_calls(docstring: str, name: str) -> list[Call]:
    """The calls of `name` with literal arguments in the examples of a docstring, in order."""
    try:
        examples = doctest.DocTestParser().get_examples(docstring)
    except ValueError:
        return []
    calls: list[Call] = []
    for example in examples:
        try:
            tree = ast.parse(example.source)
        except (SyntaxError, ValueError, RecursionError):
            continue
        calls += [call for found, call in _calls_in(tree) if found == name]
    return calls


def call_sites(trees: Iterable[ast.AST]) -> dict[str, list[Call]]:
    """Function name -> its calls with literal arguments, anywhere in these modules; the first few of each."""
    sites: dict[str, dict[str, Call]] = {}
    for tree in trees:
        for name, call in _calls_in(tree):
            known = sites.setdefault(name, {})
            if len(known) < MAX_CALLS_PER_NAME:
                known.setdefault(str(call), call)
    return {name: list(known.values()) for name, known in sites.items()}


def _calls_in(tree: ast.AST) -> Iterator[tuple[str, Call]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not (node.args or node.keywords):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name and (values := literal_arguments(node)) is not None:
            yield name, Call(name, *values, "")


def accepts(parameters: ast.arguments, call: Call) -> bool:
    """Whether a call fits a signature in number and names of arguments."""
    positional = [arg.arg for arg in [*parameters.posonlyargs, *parameters.args]]
    required = positional[: len(positional) - len(parameters.defaults)]
    required += [a.arg for a, d in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True) if d is None]
    if len(call.args) > len(positional) and parameters.vararg is None:
        return False
    given = [*positional[: len(call.args)], *(name for name, _ in call.keywords)]
    known = {*positional, *(a.arg for a in parameters.kwonlyargs)}
    return (
        len(set(given)) == len(given)
        and (parameters.kwarg is not None or set(given) <= known)
        and set(required) <= set(given)
    )


def needed_object(function: ast.FunctionDef) -> str | None:
    """The first attribute of a required parameter that no literal value has: "node.children"; None without one."""
    parameters = function.args
    names = [arg.arg for arg in [*parameters.posonlyargs, *parameters.args]]
    required = frozenset(names[: len(names) - len(parameters.defaults)])
    for node in ast.walk(function):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                if name in required and attribute not in _ATTRIBUTES:
                    return f"{name}.{attribute}"
            case _:
                pass
    return None


def guessed_calls(function: ast.FunctionDef, count: int, seed: int) -> list[Call]:
    """Up to `count` calls with values that fit annotations, defaults, use in the body, and names of the parameters."""
    parameters = function.args
    names = [*parameters.posonlyargs, *parameters.args]
    required = names[: len(names) - len(parameters.defaults)]
    options = [_options(function, arg) for arg in required]
    keywords = [
        (arg.arg, _options(function, arg))
        for arg, d in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
        if d is None
    ]
    if not required and not keywords:
        options = [
            _options(function, arg, default) for arg, default in zip(names[:1], parameters.defaults[:1], strict=True)
        ]
    rng = random.Random(seed)
    calls: dict[str, Call] = {}
    for turn in itertools.islice(itertools.count(), 3 * count):
        pick = [_pick(choices, turn, rng) for choices in options]
        call = Call(function.name, tuple(pick), tuple((name, _pick(o, turn, rng)) for name, o in keywords), "")
        calls.setdefault(str(call), call)
        if len(calls) >= count:
            break
    return list(calls.values())


def _pick(choices: list[Any], turn: int, rng: random.Random) -> Any:
    """In turn for the first few calls, then at random: so the likely types of all parameters meet."""
    return choices[turn % len(choices)] if turn < len(choices) else rng.choice(choices)


def _options(function: ast.FunctionDef, arg: ast.arg, default: ast.expr | None = None) -> list[Any]:
    """Candidate values of one parameter, likely types first, interleaved."""
    kinds = Counter[str]()
    constants: list[Any] = []
    if arg.annotation is not None:
        for kind in _annotated(arg.annotation):
            kinds[kind] += 20
    if isinstance(default, ast.Constant):
        kinds[_kind_of(default.value)] += 6
    stem = arg.arg.lower().strip("_")
    kinds[_NAMES.get(stem, "list" if stem.endswith("s") else "str")] += 2
    for kind, weight, value in _uses(function, arg.arg):
        kinds[kind] += weight
        constants += [] if value is None else [value]
    ranked = [kind for kind, _ in sorted(kinds.items(), key=lambda item: (-item[1], item[0])) if kind in _VALUES]
    if arg.annotation is None or not ranked:
        ranked += [kind for kind in ("str", "int", "list") if kind not in ranked]
    columns = [list(_VALUES[kind]) for kind in ranked[:4]]
    columns[0] = [*constants[:2], *columns[0]]
    rows = itertools.zip_longest(columns[0][:4], *[c[:2] for c in columns[1:]], fillvalue=...)
    return [value for row in rows for value in row if value is not ...]


def _annotated(annotation: ast.expr) -> list[str]:
    text = ast.unparse(annotation).replace("'", "").replace("typing.", "")
    outer = text.partition("[")[0].lower()
    inner = text.partition("[")[2].lower()
    if outer in ("list", "sequence", "iterable", "collection", "iterator", "mutablesequence"):
        nested = next((k for k in ("list[list]", "list[tuple]", "list[str]") if inner.startswith(k[5:-1])), None)
        return [nested or "list"]
    if outer in ("dict", "mapping", "mutablemapping"):
        return ["dict"]
    if outer == "optional":
        return [word for word in ("str", "int", "float", "bool", "bytes", "dict") if inner.startswith(word)]
    found = [
        w
        for w in ("str", "bytes", "bool", "float", "int", "tuple", "dict", "set", "list")
        if w in text.lower().split("[")[0]
    ]
    return found[:3]


def _kind_of(value: object) -> str:
    return "none" if value is None else type(value).__name__


def _uses(function: ast.FunctionDef, name: str) -> Iterator[tuple[str, int, Any]]:
    """(kind, weight, constant it is compared with) for each telling use of a parameter in the body."""
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and _is(node.value, name):
            yield from _method_use(node.attr)
        elif isinstance(node, ast.For | ast.comprehension) and _is(node.iter, name):
            yield "list", 3, None
            if isinstance(node.target, ast.Tuple):
                yield "list[tuple]", 5, None
        elif isinstance(node, ast.Subscript) and _is(node.value, name):
            key = node.slice
            yield (
                ("dict", 4, None) if isinstance(key, ast.Constant) and isinstance(key.value, str) else ("list", 2, None)
            )
        elif isinstance(node, ast.BinOp) and (_is(node.left, name) or _is(node.right, name)):
            yield "int", 3, None
        elif isinstance(node, ast.Assign) and _is(node.value, name) and isinstance(node.targets[0], ast.Tuple):
            yield "tuple", 6, tuple(range(2, 2 + len(node.targets[0].elts)))
        elif isinstance(node, ast.Call):
            yield from _argument_use(node, name)
            if isinstance(node.func, ast.Attribute) and _is(node.func.value, name) and _has_bytes(node):
                yield "bytes", 8, None
        elif isinstance(node, ast.Compare) and _is(node.left, name):
            yield from _comparison_use(node)


def _method_use(method: str) -> Iterator[tuple[str, int, Any]]:
    kinds = {
        "str": _STR_METHODS,
        "list": _LIST_METHODS,
        "dict": _DICT_METHODS,
        "set": _SET_METHODS,
        "bytes": _BYTES_METHODS,
    }
    for kind, methods in kinds.items():
        if method in methods:
            yield kind, 5, None


def _argument_use(node: ast.Call, name: str) -> Iterator[tuple[str, int, Any]]:
    if not any(_is(arg, name) for arg in node.args):
        return
    function = ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""
    if function in ("range", "chr", "abs", "bin", "hex", "divmod", "pow") or function.startswith("math."):
        yield "int", 4, None
    elif function in (
        "sum",
        "min",
        "max",
        "sorted",
        "enumerate",
        "zip",
        "reversed",
        "set",
        "list",
        "tuple",
        "map",
        "filter",
    ):
        yield "list", 3, None
    elif function == "isinstance" and len(node.args) == 2:
        for kind in ("str", "int", "float", "list", "tuple", "dict", "bytes", "set"):
            if kind in {n.id for n in ast.walk(node.args[1]) if isinstance(n, ast.Name)}:
                yield kind, 3, None
    elif function in ("ord", "int", "float") or function.startswith(("re.", "json.loads")):
        yield "str", 3, None
    elif function.startswith(_TAKE_BYTES):
        yield "bytes", 6, None


def _has_bytes(call: ast.Call) -> bool:
    return any(isinstance(n, ast.Constant) and isinstance(n.value, bytes) for arg in call.args for n in ast.walk(arg))


def _comparison_use(node: ast.Compare) -> Iterator[tuple[str, int, Any]]:
    for other in node.comparators:
        if isinstance(other, ast.Constant) and other.value is not None:
            yield _kind_of(other.value), 3, other.value
        elif isinstance(other, ast.Tuple | ast.List | ast.Set):
            for item in other.elts[:2]:
                if isinstance(item, ast.Constant) and item.value is not None:
                    yield _kind_of(item.value), 3, item.value


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
