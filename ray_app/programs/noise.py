"""What makes a grown program noise: an input that is never used, a value that never matters, no branch on the input."""

import ast
from collections import Counter
from collections.abc import Iterator


def noise(tree: ast.Module, entry: str, *, needs_branch: bool) -> str | None:
    """The short fixed reason why a program teaches nothing, or None.

    Static and conservative: "unused input"; "unused value", a name bound in a function and never read there; "constant
    value", a name that never gets anything but one constant; "no branch on input". Constant outputs and lines that
    never run show only in execution.
    """
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for function in functions:
        bound, read = bound_names(function), read_names(function)
        parameters = {arg.arg for arg in function.args.args}
        if parameters - read:
            return "unused input"
        if bound - parameters - read:
            return "unused value"
        if constant_names(function):
            return "constant value"
    if needs_branch and not any(f.name == entry and _branches_on_input(f) for f in functions):
        return "no branch on input"
    return None


def bound_names(function: ast.FunctionDef) -> set[str]:
    """Names that are assigned, loop variables left out."""
    return {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} - _ignored(
        function
    )


def constant_names(function: ast.FunctionDef) -> set[str]:
    """Names bound once, to a constant or an empty container, and changed neither by a method nor by an item."""
    bindings = Counter(n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    changed: set[str] = set()
    fixed: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and not _names(node.value) - {"set"}:
            fixed.add(node.targets[0].id)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            changed |= _names(node.value.func)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            changed |= _names(node.value)
    return {name for name in fixed if bindings[name] == 1} - changed


def _ignored(function: ast.FunctionDef) -> set[str]:
    """Loop variables: iterating over something without looking at its items is not noise."""
    targets = [n.target for n in ast.walk(function) if isinstance(n, ast.For | ast.comprehension)]
    return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}


def read_names(function: ast.FunctionDef) -> set[str]:
    """Names whose value goes anywhere but back into themselves."""
    read: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            read.add(node.id)
    return read


def _branches_on_input(function: ast.FunctionDef) -> bool:
    """Whether some condition or iterable depends, through assignments, on a parameter."""
    tainted = {arg.arg for arg in function.args.args}
    flows = list(_flows(function))
    while True:
        grown = tainted | {name for target, names in flows if names & tainted for name in target}
        if grown == tainted:
            break
        tainted = grown
    for node in ast.walk(function):
        if isinstance(node, ast.If | ast.While | ast.IfExp) and _names(node.test) & tainted:
            return True
        if isinstance(node, ast.For | ast.comprehension) and _names(node.iter) & tainted:
            return True
    return False


def _flows(function: ast.FunctionDef) -> Iterator[tuple[set[str], set[str]]]:
    """(names bound, names they come from) for each assignment and loop; mutation counts as assignment."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            yield {n for target in node.targets for n in _names(target)}, _names(node.value)
        elif isinstance(node, ast.AugAssign):
            yield _names(node.target), _names(node.value)
        elif isinstance(node, ast.For | ast.comprehension):
            yield _names(node.target), _names(node.iter)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield _names(node.func.value), {n for arg in node.args for n in _names(arg)}


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
