"""Which one of several equal pieces of code is meant: the second argument of a call, the left side of a sum."""

import ast

from ray_app.monologue.phrase import code

_ORDINALS = ("first", "second", "third", "fourth", "fifth")


def occurrences(around: ast.AST, node: ast.expr) -> int:
    """How often a piece of code stands in what is around it; of a statement, its blocks left out."""
    blocks = ("body", "orelse", "finalbody", "handlers", "cases") if isinstance(around, ast.stmt) else ()
    parts = [
        child
        for name, value in ast.iter_fields(around)
        if name not in blocks
        for child in (value if isinstance(value, list) else [value])  # pyright: ignore[reportUnknownVariableType]
        if isinstance(child, ast.AST)
    ]
    wanted = ast.dump(node)
    return sum(ast.dump(inner) == wanted for part in parts for inner in ast.walk(part))


def role(node: ast.expr, around: ast.AST) -> str:
    """What a piece of code is in the expression around it; "" where there is no word for it."""
    whole = code(around)
    match around:
        case ast.Call(func=ast.Attribute(value=owner, attr=name)) if owner is node:
            return f"on which `{name}` is called"
        case ast.Call(args=[only]) if only is node:
            return f"the argument of {whole}" if whole else ""
        case ast.Call(args=elements):
            return _numbered(node, elements, "argument", whole)
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return _numbered(node, elements, "element", whole)
        case ast.BinOp(left=left, right=right) | ast.Compare(left=left, comparators=[right]):
            side = "left" if left is node else "right" if right is node else ""
            return f"the {side} side of {whole}" if side and whole else ""
        case ast.Dict(keys=keys, values=values):
            what = "key" if node in keys else "value" if node in values else ""
            return f"the {what} in {whole}" if what and len(keys) == 1 and whole else ""
        case _:
            return ""


def _numbered(node: ast.expr, elements: list[ast.expr], what: str, whole: str) -> str:
    at = next((index for index, element in enumerate(elements) if element is node), len(_ORDINALS))
    return f"the {_ORDINALS[at]} {what} of {whole}" if at < len(_ORDINALS) and whole else ""
