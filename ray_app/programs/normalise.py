"""Code without what is easily changed: names, layout, comments, docstrings, annotations, helper order."""

import ast
import builtins

_BUILTINS = frozenset(dir(builtins))
_IMPORTS = (ast.Import, ast.ImportFrom)


def normalised(code: str) -> str:
    """The code with its own names numbered in order of appearance; it runs as before. SyntaxError if unparsable."""
    tree = ast.parse(code)
    imported = {
        a.asname or a.name.partition(".")[0] for n in ast.walk(tree) if isinstance(n, _IMPORTS) for a in n.names
    }
    return ast.unparse(_Renamer(frozenset(imported)).visit(tree))


def functions(code: str, min_nodes: int) -> list[tuple[str, int, str]]:
    """(name, AST nodes, normalised text) of each top-level function from `min_nodes` nodes on. SyntaxError as above.

    Sizes are those of the normalised function, so a docstring or an annotation counts for nothing.
    """
    found: list[tuple[str, int, str]] = []
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef):
            name, renamed = node.name, _Renamer().visit(node)
            size = sum(1 for _ in ast.walk(renamed))
            if size >= min_nodes:
                found.append((name, size, ast.unparse(renamed)))
    return found


class _Renamer(ast.NodeTransformer):
    """Numbers every name that is no builtin; attributes keep their names, they are the library's."""

    def __init__(self, fixed: frozenset[str] = frozenset()) -> None:
        self._fixed = fixed | _BUILTINS
        self._names: dict[str, str] = {}

    def _name(self, name: str) -> str:
        return name if name in self._fixed else self._names.setdefault(name, f"v{len(self._names)}")

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
