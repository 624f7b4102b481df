"""Classes as programs: a function that makes an object and asks it one thing, and as much of the class as that needs.

def stack_peek(items, depth):
    stack = Stack(items)
    return stack.peek(depth)
"""

import ast
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass

_UNNEEDED = frozenset({"__repr__", "__str__", "__reduce__", "__getstate__", "__setstate__", "__copy__", "__deepcopy__"})
_PLAIN_DECORATORS = frozenset({"property", "staticmethod", "classmethod"})


@dataclass(frozen=True, slots=True)
class Driver:
    """The text of the function `entry`, which calls `method` on an object of `definition`, the slimmed class.

    `signature` is a function with the same parameters, whose statements are the class's own that use them: their values
    can be guessed from it.
    """

    entry: str
    text: str
    definition: ast.ClassDef
    method: ast.FunctionDef
    signature: ast.FunctionDef


def drivers(definition: ast.ClassDef) -> Iterator[Driver]:
    """One driver for each public method and property of a class whose construction is known from its own text."""
    methods = {node.name: node for node in definition.body if isinstance(node, ast.FunctionDef)}
    made = _construction(definition, methods)
    if made is None or definition.keywords:
        return
    for name, method in methods.items():
        decorators = [ast.unparse(each) for each in method.decorator_list]
        if name.startswith(("_", "test")) or not set(decorators) <= _PLAIN_DECORATORS or method.args.kwonlyargs:
            continue
        if any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(method)):
            yield _driver(definition, methods, method, "".join(decorators), made)


def _construction(definition: ast.ClassDef, methods: dict[str, ast.FunctionDef]) -> list[ast.arg] | None:
    """The parameters that an object needs, None where they are not to be seen."""
    if "__init__" in methods:
        init = methods["__init__"].args
        return None if any(default is None for default in init.kw_defaults) else _required(init)[1:]
    if any(ast.unparse(each).startswith(("dataclass", "dataclasses.dataclass")) for each in definition.decorator_list):
        fields = [node for node in definition.body if isinstance(node, ast.AnnAssign) and node.value is None]
        return [ast.arg(node.target.id, node.annotation) for node in fields if isinstance(node.target, ast.Name)]
    if "__new__" in methods or definition.decorator_list or any(ast.unparse(b) != "object" for b in definition.bases):
        return None
    return []


def _required(parameters: ast.arguments) -> list[ast.arg]:
    names = [*parameters.posonlyargs, *parameters.args]
    return names[: len(names) - len(parameters.defaults)]


def _driver(
    definition: ast.ClassDef,
    methods: dict[str, ast.FunctionDef],
    method: ast.FunctionDef,
    kind: str,
    made: list[ast.arg],
) -> Driver:
    made = [] if kind in ("staticmethod", "classmethod") else made
    asked = _asked(method, kind, needs_one=not made)
    taken = {arg.arg for arg in made}
    renamed = {arg.arg: f"other_{arg.arg}" if arg.arg in taken else arg.arg for arg in asked}
    arguments = [*made, *(ast.arg(renamed[arg.arg], arg.annotation) for arg in asked)]
    name = f"{_snake(definition.name)}_{method.name}"
    init = methods.get("__init__")
    body = [*(init.body if init is not None and made else []), *_plain(method, renamed)]
    signature = ast.FunctionDef(name, ast.arguments([], arguments, None, [], [], None, []), body, [])
    text = _text(name, definition.name, method.name, kind, [arg.arg for arg in made], list(renamed.values()))
    return Driver(name, text, _slim(definition, methods, method.name), method, signature)


def _asked(method: ast.FunctionDef, kind: str, *, needs_one: bool) -> list[ast.arg]:
    """The method's own parameters that have to be given, and the first one if nothing else is given."""
    if kind == "property":
        return []
    parameters = [*method.args.posonlyargs, *method.args.args]
    own = parameters if kind == "staticmethod" else parameters[1:]
    asked = own[: max(0, len(own) - len(method.args.defaults))]
    return asked or (own[:1] if needs_one else [])


def _text(name: str, class_name: str, method: str, kind: str, made: list[str], asked: list[str]) -> str:
    values = "" if kind == "property" else f"({', '.join(asked)})"
    lines = [f"def {name}({', '.join([*made, *asked])}):"]
    thing = class_name
    if kind not in ("staticmethod", "classmethod"):
        thing = _snake(class_name)
        thing = f"a_{thing}" if thing in (*made, *asked) else thing
        lines.append(f"    {thing} = {class_name}({', '.join(made)})")
    return "\n".join([*lines, f"    return {thing}.{method}{values}\n"])


def _plain(method: ast.FunctionDef, renamed: dict[str, str]) -> list[ast.stmt]:
    """A method's statements as if attributes of `self` were names, and with the driver's names for parameters."""
    copied = ast.parse(ast.unparse(ast.Module(method.body, []))).body
    return [_Plain(renamed).visit(statement) for statement in copied]


class _Plain(ast.NodeTransformer):
    def __init__(self, renamed: dict[str, str]) -> None:
        self._renamed = renamed

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._renamed.get(node.id, node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            return ast.Name(node.attr.lstrip("_"), node.ctx)
        self.generic_visit(node)
        return node


def _slim(definition: ast.ClassDef, methods: dict[str, ast.FunctionDef], method: str) -> ast.ClassDef:
    """The class without methods that this one never reaches by name; operators and construction stay."""
    needed = {name for name in methods if name == method or (name.startswith("__") and name not in _UNNEEDED)}
    waiting = list(needed)
    while waiting:
        for node in ast.walk(methods[waiting.pop()]):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name in methods and name not in needed:
                needed.add(name)
                waiting.append(name)
    body = [node for node in definition.body if not isinstance(node, ast.FunctionDef) or node.name in needed]
    lines = sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in body)
    return ast.ClassDef(
        definition.name,
        definition.bases,
        definition.keywords,
        body or [ast.Pass()],
        definition.decorator_list,
        lineno=1,
        end_lineno=lines + 1,
    )


def _snake(name: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.lstrip("_")).lower()
    return f"{snake}_" if keyword.iskeyword(snake) or not snake.isidentifier() else snake
