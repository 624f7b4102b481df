"""How a piece of code is named in a sentence: its text in backticks, and which one of several equal ones is meant."""

import ast

from ray_app.semantics.source import Source

_LONG = 140
_ORDINALS = ("first", "second", "third", "fourth", "fifth")


def quoted(text: str) -> str:
    """Code in backticks; "" where it cannot stand in a line of text."""
    unfit = "`" in text or "\n" in text or len(text) > _LONG
    return "" if unfit or not text else f"`{text}`"


def code(source: Source, node: int) -> str:
    """A node's code as the program has it, on one line; of a statement with a body its head."""
    found = source.nodes[node]
    if hasattr(found, "body") and not isinstance(found, ast.expr):
        return quoted(ast.unparse(found).strip().split("\n")[0])
    text = source.text(node)
    return quoted(ast.unparse(found) if "\n" in text else text)


def is_repeated(source: Source, node: int) -> bool:
    """Whether the same code stands a second time in its statement."""
    statement = source.nodes[source.statement_of(node)]
    heads = [child for child in ast.iter_child_nodes(statement) if not isinstance(child, ast.stmt)]
    dumps = [ast.dump(inner) for head in heads for inner in ast.walk(head)]
    return dumps.count(ast.dump(source.nodes[node])) > 1


def role(source: Source, node: int) -> str:
    """What a piece of code is in the expression around it: ", the first argument of `f(n, n)`,"; "" without a word."""
    found, around = source.nodes[node], source.nodes[source.parent(node)]
    match around:
        case ast.Call(args=elements):
            what = _numbered(found, elements, "argument")
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            what = _numbered(found, elements, "element")
        case ast.BinOp(left=left) | ast.Compare(left=left, ops=[_]):
            what = "left side" if left is found else "right side"
        case _:
            what = ""
    whole = code(source, source.parent(node))
    return f", the {what} of {whole}," if what and whole else ""


def _numbered(node: ast.AST, elements: list[ast.expr], what: str) -> str:
    """ "second argument"; "" for what is none of the elements."""
    named = dict(zip(map(id, elements), _ORDINALS, strict=False))
    number = named.get(id(node))
    return f"{number} {what}" if number else ""


def listed(parts: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    head = ", ".join(parts[:-1])
    return f"{head} and {parts[-1]}" if head else parts[-1]
