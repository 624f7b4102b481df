"""The two upper levels of a forward monologue: what the function is for, and what holds on any input.

Both are read off the code alone. The purpose names parameters, loops and the returned expression; the invariants follow
from how a variable is assigned everywhere (only counted up, only appended to), so they hold on every run; the verifier
still checks them on this one.
"""

import ast
import functools
import random

from ray_app.monologue.phrase import code, listed
from ray_app.monologue.source import inside
from ray_app.monologue.timeline import Timeline


def purpose(timeline: Timeline, entry: str, rng: random.Random) -> str:
    """One sentence on what goes in, what is walked over and what comes out."""
    definition = timeline.source.function(entry)
    if definition is None:
        return ""
    names = [f"`{argument.arg}`" for argument in (*definition.args.posonlyargs, *definition.args.args)]
    taken = f"takes {listed(names)}" if names else "takes nothing"
    steps = [step for step in (_walks(definition, rng), _comes_out(definition, rng)) if step]
    sentence = f"`{entry}` " + listed([taken, *steps]) + "."
    return rng.choice(("What it is for: ", "In short: ", "")) + sentence


def _walks(definition: ast.FunctionDef, rng: random.Random) -> str:
    loops = [node for node in definition.body if isinstance(node, (ast.For, ast.While))]
    if not loops:
        return ""
    first = loops[0]
    if isinstance(first, ast.For):
        span = code(first.iter)
        return f"{rng.choice(('walks over', 'goes through', 'loops over'))} {span}" if span else ""
    span = code(first.test)
    return f"repeats a block while {span}" if span else ""


def _comes_out(definition: ast.FunctionDef, rng: random.Random) -> str:
    returns = _returns(definition)
    spans = list(dict.fromkeys(code(node.value) for node in returns if node.value is not None))
    if not spans or not all(spans) or len(spans) > 2 or all(isinstance(node.value, ast.Constant) for node in returns):
        return ""
    return f"{rng.choice(('results in', 'ends with', 'comes down to'))} {' or '.join(spans)}"


@functools.lru_cache(maxsize=512)
def _returns(definition: ast.FunctionDef) -> tuple[ast.Return, ...]:
    return tuple(node for node in inside(definition) if isinstance(node, ast.Return) and node.value is not None)


def invariants(timeline: Timeline, rng: random.Random) -> list[str]:
    """At most two statements about variables that every run of the entry function obeys."""
    definition = timeline.source.function(timeline.frames[0].function)
    if definition is None:
        return []
    changes = _changes(definition)
    told: list[str] = []
    for name, kinds in changes.items():
        if not any(span.frame == 0 for span in timeline.spans.get(name, ())):
            continue
        if kinds == {"start", "up"}:
            told.append(f"`{name}` never decreases")
        elif kinds == {"start", "longer"}:
            told.append(f"`{name}` never gets shorter")
    if not told:
        return []
    return [rng.choice(("Whatever the input, ", "On any input ", "Always: ")) + listed(told[:2]) + "."]


_READING_CALLS = frozenset(
    {"len", "sum", "sorted", "max", "min", "str", "tuple", "list", "set", "enumerate", "range", "join"}
)


@functools.lru_cache(maxsize=512)
def _changes(definition: ast.FunctionDef) -> dict[str, set[str]]:
    """How each local variable is written: "start" (one first constant, outside loops), "up", "longer", or "other".

    A list that escapes (into another name, a container, an unknown call or a nested function) counts as "other".
    """
    found: dict[str, set[str]] = {}
    top = {id(node) for node in definition.body}
    plain: set[int] = set()
    owned: list[tuple[ast.Name, ast.AST]] = []
    nodes: list[ast.AST] = [definition]
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.Lambda)) and node is not definition:
            return {}
        children = list(ast.iter_child_nodes(node))
        nodes += children
        for target, kind in _written(node, id(node) in top):
            plain.add(id(target))
            kinds = found.setdefault(target.id, set())
            kinds.add("other" if kind == "start" and "start" in kinds else kind)
        owned += [(child, node) for child in children if isinstance(child, ast.Name)]
    for name, parent in owned:
        if id(name) not in plain and _escapes(name, parent):
            found.setdefault(name.id, set()).add("other")
    return found


def _escapes(name: ast.Name, parent: ast.AST) -> bool:
    if not isinstance(name.ctx, ast.Load):
        return True
    if isinstance(parent, ast.Call) and name is not parent.func:
        called = parent.func.id if isinstance(parent.func, ast.Name) else getattr(parent.func, "attr", "")
        return called not in _READING_CALLS
    if isinstance(parent, ast.Subscript):
        return not isinstance(parent.ctx, ast.Load)
    return isinstance(parent, (ast.Assign, ast.List, ast.Tuple, ast.Dict, ast.Attribute, ast.AugAssign, ast.keyword))


def _written(node: ast.AST, top: bool) -> list[tuple[ast.Name, str]]:
    """The plain writes of one statement or call: the name node, and how it is written."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name) and top:
        number = isinstance(node.value, ast.Constant) and isinstance(node.value.value, (int, float, str))
        empty = number or (isinstance(node.value, ast.List) and not node.value.elts)
        return [(node.targets[0], "start" if empty else "other")]
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and isinstance(node.op, ast.Add):
        amount = node.value.value if isinstance(node.value, ast.Constant) else None
        if isinstance(amount, int) and amount > 0:
            return [(node.target, "up")]
        return [(node.target, "longer" if isinstance(amount, str) else "other")]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        return [(node.func.value, "longer")] if node.func.attr == "append" else []
    return []
