"""A function or class of a module, made to run alone, with the imports, constants and helpers that it needs.

Code is rewritten through its AST, never as text: docstrings leave (their examples would give answers away), so do
comments and annotations that name foreign types; every statement stands on one line.
"""

import ast
import builtins
import symtable
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ray_app.programs.purity import ALLOWED_MODULES, Impure

_BUILTINS = frozenset(dir(builtins))
_TYPE_MODULES = frozenset({"typing", "collections.abc", "numbers", "types", "fractions", "decimal"})
_MAX_LINES = 150
_MODULE_VALUES = frozenset({"__name__"})

Definition = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class _Binding:
    """The one statement that binds a module-level name; for imports, the part that does, and its module."""

    statement: ast.stmt
    order: tuple[int, int]
    module: str | None = None


class Module:
    """The top level of one parsed file. Names bound twice, conditionally or by unpacking cannot be closed over."""

    def __init__(self, tree: ast.Module) -> None:
        self._bindings: dict[str, _Binding] = {}
        self._ambiguous: set[str] = set()
        self._cleaned: dict[str, tuple[ast.stmt, frozenset[str]]] = {}
        self.definitions: list[Definition] = []
        for position, statement in enumerate(tree.body):
            self._bind(statement, position)
        self.definitions = [d for d in self.definitions if d.name not in self._ambiguous]

    def close(self, name: str, max_chars: int) -> str:
        """The source of `name` with everything it needs, in the module's order.

        Raises Impure where something it needs cannot be brought along, or where the result is too long.
        """
        needed: dict[str, _Binding] = {}
        queue = [name]
        while queue:
            current = queue.pop()
            if current in needed or (current in _BUILTINS and current not in self._bindings):
                continue
            binding = self._bindings.get(current)
            if binding is None or current in self._ambiguous:
                raise Impure("unresolved name" if current not in self._ambiguous else "ambiguous name", current)
            if binding.module is not None and binding.module not in ALLOWED_MODULES:
                raise Impure("foreign import", binding.module)
            needed[current] = binding
            if binding.module is None:
                queue += sorted(self._clean(current)[1])
            if len(needed) > 40:
                raise Impure("too many helpers")
        return self._write(needed, max_chars)

    def _write(self, needed: dict[str, _Binding], max_chars: int) -> str:
        imports: list[str] = []
        bodies: list[str] = []
        for name, binding in sorted(needed.items(), key=lambda item: item[1].order):
            if binding.module is not None:
                imports.append(ast.unparse(binding.statement))
            else:
                bodies.append(ast.unparse(self._clean(name)[0]))
            if sum(map(len, imports)) + sum(map(len, bodies)) > max_chars:
                raise Impure("too long")
        return (
            "\n".join(
                [
                    *sorted(set(imports), key=lambda text: (text.startswith("from"), text)),
                    *([""] if imports else []),
                    spaced(bodies),
                ]
            ).strip()
            + "\n"
        )

    def _clean(self, name: str) -> tuple[ast.stmt, frozenset[str]]:
        if name not in self._cleaned:
            statement = self._bindings[name].statement
            if (statement.end_lineno or 0) - statement.lineno > _MAX_LINES:
                raise Impure("too long")
            copied = ast.parse(ast.unparse(statement)).body[0]  # several times faster than copy.deepcopy
            statement = _Cleaner(self._is_type).visit(copied)
            self._cleaned[name] = (statement, free_names(ast.unparse(statement)))
        return self._cleaned[name]

    def _is_type(self, name: str) -> bool:
        """Whether a name in an annotation can stay: a builtin, or imported from a module of types."""
        binding = self._bindings.get(name)
        return name in _BUILTINS if binding is None else binding.module in _TYPE_MODULES

    def _bind(self, statement: ast.stmt, position: int) -> None:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for index, (name, part, module) in enumerate(_import_parts(statement)):
                self._add(name, _Binding(part, (position, index), module))
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
            self._add(statement.name, _Binding(statement, (position, 0)))
            self.definitions.append(statement)
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            self._bind_target(statement.targets[0], statement, position)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            self._bind_target(statement.target, statement, position)
        else:
            self._ambiguous.update(_bound_names([statement]))

    def _bind_target(self, target: ast.expr, statement: ast.stmt, position: int) -> None:
        if isinstance(target, ast.Name):
            self._add(target.id, _Binding(statement, (position, 0)))
        else:
            self._ambiguous.update(_bound_names([statement]))

    def _add(self, name: str, binding: _Binding) -> None:
        if name in self._bindings:
            self._ambiguous.add(name)
        self._bindings[name] = binding


def free_names(code: str) -> frozenset[str]:
    """The names that a piece of module-level code needs from elsewhere, builtins included."""
    top = symtable.symtable(code, "<closure>", "exec")
    bound = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    bound |= {symbol.get_name() for symbol in top.get_symbols() if symbol.is_namespace()}
    wanted = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    tables = list(top.get_children())
    while tables:
        table = tables.pop()
        wanted |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
        tables += table.get_children()
    return frozenset(wanted - bound - _MODULE_VALUES)


def _import_parts(statement: ast.Import | ast.ImportFrom) -> Iterable[tuple[str, ast.stmt, str]]:
    """(bound name, statement that binds just it, module it comes from) for each alias."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            yield alias.asname or alias.name.partition(".")[0], ast.Import([alias]), alias.name
        return
    module = "." * statement.level + (statement.module or "")
    for alias in statement.names:
        part = ast.ImportFrom(statement.module, [alias], statement.level)
        submodule = f"{module}.{alias.name}"
        yield alias.asname or alias.name, part, submodule if submodule in ALLOWED_MODULES else module


def _bound_names(statements: Iterable[ast.stmt]) -> set[str]:
    names: set[str] = set()
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
                names.add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.alias):
                names.add(node.asname or node.name.partition(".")[0])
    return names


def spaced(bodies: list[str]) -> str:
    """Statements as the text of a module: two empty lines around definitions, none between other statements."""
    text = ""
    for index, body in enumerate(bodies):
        block = body.startswith(("def ", "class ", "@"))
        before = index > 0 and (block or bodies[index - 1].startswith(("def ", "class ", "@")))
        text += ("\n\n" if before else "") + body + "\n"
    return text


class _Cleaner(ast.NodeTransformer):
    """Drops docstrings and every annotation with a name for which `is_type` is false."""

    def __init__(self, is_type: Callable[[str], bool]) -> None:
        self._is_type = is_type
        self._in_class = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = self._kept(node.returns)
        inside, self._in_class = self._in_class, False
        self.generic_visit(_without_docstring(node))
        self._in_class = inside
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        raise Impure("async")

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        inside, self._in_class = self._in_class, True
        self.generic_visit(_without_docstring(node))
        self._in_class = inside
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = self._kept(node.annotation)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if self._in_class:
            node.annotation = self._kept(node.annotation) or ast.Name("object", ast.Load())
            return node
        if node.value is None:
            return ast.Pass()
        return ast.Assign([node.target], node.value, lineno=node.lineno)

    def _kept(self, annotation: ast.expr | None) -> ast.expr | None:
        if annotation is None:
            return None
        for node in ast.walk(annotation):
            known = isinstance(node, ast.Name) and self._is_type(node.id)
            fixed = isinstance(node, ast.Constant) and (node.value is None or node.value is Ellipsis)
            shape = isinstance(node, ast.Subscript | ast.Tuple | ast.List | ast.BinOp | ast.BitOr | ast.expr_context)
            if not (known or fixed or shape):
                return None
        return annotation


def _without_docstring(node: ast.FunctionDef | ast.ClassDef) -> ast.FunctionDef | ast.ClassDef:
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        node.body = node.body[1:] or [ast.Pass()]
    return node
