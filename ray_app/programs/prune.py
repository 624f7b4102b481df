"""Dead code out of grown programs: what no call reaches is removed, so that every branch that stays matters."""

import ast
from collections.abc import Collection

from ray_app.programs.closure import spaced
from ray_app.programs.noise import Names


def prune(code: str, reached: Collection[int]) -> str:
    """The code without the statements whose lines are not in `reached`; to be traced anew.

    A branch that is never taken disappears with its condition if nothing is left of it; a handler that never ran leaves
    its `try` body; a function that is never called goes away; so do assignments that nothing reads any more, and
    constants in a returned tuple (which changes the result). Conditions are assumed to have no side effects.
    """
    kept = [node for node in ast.parse(code).body if _alive(node, reached)]
    pruned = [_Pruner(reached).visit(node) for node in kept]
    for node in pruned:
        if isinstance(node, ast.FunctionDef):
            _drop_idle(node)
    return spaced([ast.unparse(node) for node in pruned])


def _drop_idle(function: ast.FunctionDef) -> None:
    """Takes constants out of returned tuples and, again and again, assignments that nothing reads."""
    fixed = Names.of(function).constant()
    for node in ast.walk(function) if fixed else ():
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            left = [item for item in node.value.elts if not (isinstance(item, ast.Name) and item.id in fixed)]
            if left:
                node.value = left[0] if len(left) == 1 else ast.Tuple(left, ast.Load())
    before: set[str] = set()
    while (idle := Names.of(function).idle()) - before:
        function.body = _without(function.body, idle) or [ast.Pass()]
        before = idle


def _without(statements: list[ast.stmt], idle: set[str]) -> list[ast.stmt]:
    """The statements but assignments to idle names, and but blocks that are empty without them."""
    kept: list[ast.stmt] = []
    for node in statements:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(node, ast.Assign | ast.AugAssign) and isinstance(target, ast.Name) and target.id in idle:
            continue
        if isinstance(node, ast.If | ast.For | ast.While):
            node.body, node.orelse = _without(node.body, idle), _without(node.orelse, idle)
            if not node.body:
                kept += node.orelse
                continue
        if isinstance(node, ast.Try):
            node.body = _without(node.body, idle)
            if not node.body:
                continue
            for handler in node.handlers:
                handler.body = _without(handler.body, idle) or [ast.Pass()]
        kept.append(node)
    return kept


class _Pruner(ast.NodeTransformer):
    def __init__(self, reached: Collection[int]) -> None:
        self._reached = reached

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.body = self._block(node.body) or [ast.Pass()]
        return node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        body, orelse = self._block(node.body), self._block(node.orelse)
        if not body:
            return orelse
        node.body, node.orelse = body, orelse
        return node

    def visit_For(self, node: ast.For) -> ast.AST | list[ast.stmt]:
        return self._loop(node)

    def visit_While(self, node: ast.While) -> ast.AST | list[ast.stmt]:
        return self._loop(node)

    def visit_Try(self, node: ast.Try) -> ast.AST | list[ast.stmt]:
        body = self._block(node.body)
        handlers = [handler for handler in node.handlers if _any_alive(handler.body, self._reached)]
        if not handlers:
            return body
        node.body, node.handlers = body, handlers
        return node

    def _loop(self, node: ast.For | ast.While) -> ast.AST | list[ast.stmt]:
        body = self._block(node.body)
        if not body:
            return self._block(node.orelse)
        node.body, node.orelse = body, self._block(node.orelse)
        return node

    def _block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        result: list[ast.stmt] = []
        for statement in statements:
            if _alive(statement, self._reached):
                new = self.visit(statement)
                result += new if isinstance(new, list) else [new]
        return result


def _alive(statement: ast.stmt, reached: Collection[int]) -> bool:
    if isinstance(statement, ast.Try | ast.FunctionDef):
        return _any_alive(statement.body, reached)
    return statement.lineno in reached


def _any_alive(statements: list[ast.stmt], reached: Collection[int]) -> bool:
    return any(_alive(statement, reached) for statement in statements)
