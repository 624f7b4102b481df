"""Code without what is easily changed: names, layout, comments, docstrings, annotations, helper order."""

import ast
import builtins
import copy

_BUILTINS = frozenset(dir(builtins))


def normalised(code: str) -> str:
    """The code with its own names numbered in order of appearance. SyntaxError where it does not parse."""
    return "\n".join(_normal(statement) for statement in ast.parse(code).body)


def functions(code: str, min_nodes: int) -> list[str]:
    """Each top-level function of at least `min_nodes` AST nodes, normalised on its own. SyntaxError as above."""
    found: list[str] = []
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef) and sum(1 for _ in ast.walk(node)) >= min_nodes:
            found.append(_normal(node))
    return found


def _normal(statement: ast.stmt) -> str:
    return ast.unparse(_Renamer().visit(copy.deepcopy(statement)))


class _Renamer(ast.NodeTransformer):
    """Numbers every name that is no builtin; attributes keep their names, they are the library's."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def _name(self, name: str) -> str:
        return name if name in _BUILTINS else self._names.setdefault(name, f"v{len(self._names)}")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._name(node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(self._name(node.arg))

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        self.generic_visit(node)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._name(node.name)
        node.returns = None
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        self.generic_visit(node)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self._name(node.name)
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        return node if node.value is None else ast.Assign([node.target], node.value, lineno=0)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.name is not None:
            node.name = self._name(node.name)
        self.generic_visit(node)
        return node
