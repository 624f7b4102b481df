"""Which language constructs a program uses, and of which type a result is: the diversity of a data set."""

import ast
from functools import cache

_LOOPS = (ast.For, ast.AsyncFor)
_CONSTRUCTS: dict[str, type[ast.AST] | tuple[type[ast.AST], ...]] = {
    "if": (ast.If, ast.IfExp),
    "for loop": _LOOPS,
    "while loop": ast.While,
    "comprehension": (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
    "lambda": ast.Lambda,
    "class": ast.ClassDef,
    "try / raise": (ast.Try, ast.Raise),
    "generator": (ast.Yield, ast.YieldFrom),
    "slice": ast.Slice,
    "f-string": ast.JoinedStr,
    "import": (ast.Import, ast.ImportFrom),
}


@cache
def _string_methods() -> frozenset[str]:
    shared = set(dir(list)) | set(dir(dict)) | set(dir(set)) | set(dir(tuple)) | set(dir(int))
    return frozenset(set(dir(str)) - shared)


def constructs_of(code: str) -> set[str]:
    """Which of the counted language constructs a module uses; empty if it cannot be parsed."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    nodes = list(ast.walk(tree))
    found = {name for name, kinds in _CONSTRUCTS.items() if any(isinstance(node, kinds) for node in nodes)}
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    if len(functions) > 1:
        found.add("helper function")
    if any(_calls(function, function.name) for function in functions):
        found.add("recursion")
    if any(isinstance(node, (*_LOOPS, ast.While)) and _nested(node) for node in nodes):
        found.add("nested loops")
    if any(
        isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr in _string_methods()
        for n in nodes
    ):
        found.add("string method")
    return found


def _calls(function: ast.FunctionDef, name: str) -> bool:
    return any(
        isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == name for n in ast.walk(function)
    )


def _nested(loop: ast.AST) -> bool:
    return any(isinstance(node, (*_LOOPS, ast.While)) for node in ast.walk(loop) if node is not loop)


_LITERALS: dict[type[ast.AST], str] = {
    ast.List: "list",
    ast.Tuple: "tuple",
    ast.Dict: "dict",
    ast.Set: "set",
    ast.Call: "object",
    ast.JoinedStr: "str",
}


def value_type(canonical: str) -> str:
    """The type of a canonical value, read from its text: "int", "list", ..., else "other"."""
    try:
        node: ast.expr = ast.parse(canonical, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "other"
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    if isinstance(node, ast.Constant):
        return "None" if node.value is None else type(node.value).__name__
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset"):
        return node.func.id
    return _LITERALS.get(type(node), "other")
