"""A function or class of a module, made to run alone, with the imports, constants and helpers that it needs.

Helpers may stand in other modules of the same distribution. Code is rewritten through its AST, never as text:
docstrings leave (their examples would give answers away), so do comments and annotations that name foreign types; every
statement stands on one line.
"""

import ast
import builtins
import symtable
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ray_app.programs.purity import ALLOWED_MODULES, PARTLY_ALLOWED, Impure

_BUILTINS = frozenset(dir(builtins))
_TYPE_MODULES = frozenset({"typing", "collections.abc", "numbers", "types", "fractions", "decimal"})
_MAX_LINES = 150
_MAX_HELPERS = 40
_MODULE_VALUES = frozenset({"__name__"})

Definition = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class _Binding:
    """The one statement that binds a module-level name; for imports, the part that does, and its module."""

    statement: ast.stmt
    order: tuple[int, int]
    module: str | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether it imports what a program may import by itself."""
        names = self.statement.names if isinstance(self.statement, ast.Import | ast.ImportFrom) else []
        return self.module in ALLOWED_MODULES or (
            self.module in PARTLY_ALLOWED
            and (isinstance(self.statement, ast.Import) or names[0].name in PARTLY_ALLOWED[self.module])
        )


def _nowhere(module: str) -> "Module | None":
    return None


class Module:
    """The top level of one parsed file. Names bound twice, conditionally or by unpacking cannot be closed over.

    `resolve` finds a module that this one imports from, where its code may be brought along.
    """

    def __init__(self, tree: ast.Module, resolve: "Callable[[str], Module | None]" = _nowhere) -> None:
        self._resolve = resolve
        self._bindings: dict[str, _Binding] = {}
        self._ambiguous: set[str] = set()
        self._cleaned: dict[str, tuple[ast.stmt, frozenset[str]]] = {}
        self.definitions: list[Definition] = []
        for position, statement in enumerate(tree.body):
            self._bind(statement, position)
        self.definitions = [d for d in self.definitions if d.name not in self._ambiguous]

    def close(self, name: str, max_chars: int, instead: Definition | None = None) -> str:
        """The source of `name` with everything it needs, in the module's order, helpers from other modules first.

        `instead` takes the place of its definition. Raises Impure where something it needs cannot be brought along, or
        where the result is too long.
        """
        closure = _Closure(max_chars)
        closure.add(self, name, None if instead is None else self._clean_copy(instead))
        return closure.text()

    def means(self, name: str) -> _Binding | None:
        """What binds a name here; None for a builtin."""
        binding = self._bindings.get(name)
        if binding is None and name in _BUILTINS:
            return None
        if binding is None or name in self._ambiguous:
            raise Impure("unresolved name" if name not in self._ambiguous else "ambiguous name", name)
        return binding

    def follow(self, binding: _Binding) -> "tuple[Module, str]":
        """The module that an import names, and the name there."""
        found = self._resolve(binding.module or "") if isinstance(binding.statement, ast.ImportFrom) else None
        if found is None or not isinstance(binding.statement, ast.ImportFrom):
            raise Impure("foreign import", binding.module or "")
        return found, binding.statement.names[0].name

    def clean(self, name: str) -> tuple[ast.stmt, frozenset[str]]:
        """The statement that binds `name`, without docstrings and foreign types, and the names it needs."""
        if name not in self._cleaned:
            self._cleaned[name] = self._clean_copy(self._bindings[name].statement)
        return self._cleaned[name]

    def _clean_copy(self, statement: ast.stmt) -> tuple[ast.stmt, frozenset[str]]:
        if (statement.end_lineno or 0) - statement.lineno > _MAX_LINES:
            raise Impure("too long")
        copied = ast.parse(ast.unparse(statement)).body[0]  # several times faster than copy.deepcopy
        statement = _Cleaner(self._is_type).visit(copied)
        return statement, free_names(ast.unparse(statement))

    def _is_type(self, name: str) -> bool:
        """Whether a name in an annotation can stay: a builtin, or imported from a module of types."""
        binding = self._bindings.get(name)
        return name in _BUILTINS if binding is None else binding.module in _TYPE_MODULES

    def _bind(self, statement: ast.stmt, position: int) -> None:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for index, (name, part, module) in enumerate(_import_parts(statement)):
                self._add(name, _Binding(part, (position, index), module))
        elif isinstance(statement, ast.FunctionDef) and _is_overload(statement):
            pass
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


class _Closure:
    """Statements of one or several modules, gathered until nothing is missing. A name has one meaning in all of it."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars
        self._meanings: dict[str, object] = {}
        self._imports: set[str] = set()
        self._bodies: list[tuple[Module, tuple[int, int], str]] = []
        self._uses: dict[Module, dict[Module, None]] = {}

    def add(self, module: Module, name: str, given: tuple[ast.stmt, frozenset[str]] | None) -> None:
        """Brings along what `name` means in `module` (`given` in place of its own statement), and what that needs."""
        queue = [(module, name)]
        seen: set[tuple[Module, str]] = set()
        while queue:
            where, current = queue.pop()
            if (where, current) in seen:
                continue
            seen.add((where, current))
            self._uses.setdefault(where, {})
            if len(seen) > 4 * _MAX_HELPERS or len(self._bodies) > _MAX_HELPERS:
                raise Impure("too many helpers")
            binding = where.means(current)
            if binding is None:
                self._means(current, "builtin")
            elif binding.module is None:
                self._means(current, where)
                statement, names = given if given and (where, current) == (module, name) else where.clean(current)
                self._put(where, binding, ast.unparse(statement))
                queue += [(where, each) for each in sorted(names)]
            elif binding.is_allowed:
                text = ast.unparse(binding.statement)
                self._means(current, text)
                self._imports.add(text)
            else:
                other, original = where.follow(binding)
                self._uses[where][other] = None
                queue.append((other, original))
                if original != current:
                    self._means(current, where)
                    self._put(where, binding, f"{current} = {original}")

    def text(self) -> str:
        """Imports, then the modules' statements, a module after those it uses."""
        ranks = {module: rank for rank, module in enumerate(self._ranked())}
        bodies = [text for *_, text in sorted(self._bodies, key=lambda body: (ranks[body[0]], body[1]))]
        imports = sorted(self._imports, key=lambda text: (text.startswith("from"), text))
        return "\n".join([*imports, *([""] if imports else []), spaced(bodies)]).strip() + "\n"

    def _means(self, name: str, meaning: object) -> None:
        if self._meanings.setdefault(name, meaning) != meaning:
            raise Impure("name clash", name)

    def _put(self, module: Module, binding: _Binding, text: str) -> None:
        self._bodies.append((module, binding.order, text))
        if sum(len(body) for *_, body in self._bodies) > self._max_chars:
            raise Impure("too long")

    def _ranked(self) -> list[Module]:
        ranked: dict[Module, None] = {}

        def visit(module: Module, trail: tuple[Module, ...]) -> None:
            for other in self._uses[module]:
                if other not in trail and other not in ranked:
                    visit(other, (*trail, other))
            ranked[module] = None

        for module in self._uses:
            if module not in ranked:
                visit(module, (module,))
        return list(ranked)


def _is_overload(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(each).rpartition(".")[2] == "overload" for each in function.decorator_list)


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
