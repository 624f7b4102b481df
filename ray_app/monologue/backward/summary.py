"""A function's text as a tree of ways to its results: `Fork` by `Fork`, each with a test, down to what is returned.

Tests and results are expressions over definitions (`definitions`). What cannot be said exactly is None, never a guess:
a loop that is not one of `loops`, an expression with an effect, a variable that may share an object with another.
The assumption behind it is that arguments are built-in values of the recorded types, which hold no objects twice.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ray_app.monologue.backward.definitions import (
    IMMUTABLE,
    Definition,
    How,
    bound_in,
    impure_parts,
    is_fresh,
    kind_of,
    name_of,
    names_in,
    put_in,
    touched_by,
)
from ray_app.monologue.backward.loops import Effect, accumulated, effects_of, searched

_MAX_FORKS = 12
_MAX_CHARS = 200
_MAX_ITEMS = 4
_LEAVES = (ast.Return, ast.Raise)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A `return` with its value (None: it cannot be said), or a place where the function raises.

    `parts`: of a tuple or list that cannot be said as a whole, the items, those that can.
    """

    line: int
    value: ast.expr | None
    raises: bool = False
    parts: tuple[ast.expr | None, ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Fork:
    """Where a test on `line` (None: it cannot be said) decides about the way on."""

    line: int
    test: ast.expr | None
    yes: "Tree"
    no: "Tree"


Tree = Leaf | Fork
Environment = dict[str, str]
"""Variable -> the name of its definition."""


@dataclass
class Summary:
    """What `summarise` found: the tree, and the definitions that its expressions mention."""

    tree: Tree
    definitions: Mapping[str, Definition]
    kinds: Mapping[str, str]
    parameters: frozenset[str]

    def over_parameters(self, expression: ast.expr) -> ast.expr | None:
        """The expression with every definition put in; None where one cannot be said or the text gets too long."""
        expanded = self._expanded(expression, 0)
        return expanded if expanded is not None and len(ast.unparse(expanded)) <= _MAX_CHARS else None

    def _expanded(self, expression: ast.expr, depth: int) -> ast.expr | None:
        parts: dict[str, ast.expr] = {}
        for name in names_in(expression) & set(self.definitions):
            defined = self.definitions[name].expression
            inner = self._expanded(defined, depth + 1) if defined is not None and depth < 20 else None
            # A name that the outer expression binds would catch one that the inner means.
            if inner is None or names_in(inner) & bound_in(expression) or _size(inner) > _MAX_CHARS:
                return None
            parts[name] = inner
        return put_in(expression, parts)


def _size(expression: ast.expr) -> int:
    return sum(1 for _ in ast.walk(expression))


def summarise(function: ast.FunctionDef, kinds: Mapping[str, str], *, is_flat: bool) -> Summary:
    """The summary for arguments of these kinds; `is_flat`: no argument holds anything that can change."""
    reader = _Reader(dict(kinds), is_flat)
    tree = reader.block(function.body, {name: name for name in kinds})
    return Summary(tree, reader.definitions, reader.kinds, frozenset(kinds))


@dataclass
class _Reader:
    kinds: dict[str, str]
    is_flat: bool
    definitions: dict[str, Definition] = field(default_factory=dict[str, Definition])
    forks: int = 0
    depth: int = 0
    """How many branches and written-out loops are around the statement that is read."""

    def __post_init__(self) -> None:
        self.parameters = frozenset(self.kinds)

    # -- ways ----------------------------------------------------------------------------------------------------

    def block(self, statements: Sequence[ast.stmt], env: Environment) -> Tree:
        """The tree of a function from these statements on; `env` is changed on the way."""
        for at, statement in enumerate(statements):
            rest = statements[at + 1 :]
            match statement:
                case ast.Return():
                    return self._leaf(statement, env)
                case ast.Raise():
                    return Leaf(statement.lineno, None, raises=True)
                case ast.Assert():
                    failed = Leaf(statement.lineno, None, raises=True)
                    return Fork(statement.lineno, self.value(statement.test, env), self.block(rest, env), failed)
                case _ if can_leave(statement):
                    return self._fork(statement, rest, env)
                case _:
                    self.effect(statement, env)
        last = statements[-1].end_lineno if statements else None
        return Leaf(last or 0, ast.Constant(None))

    def _leaf(self, statement: ast.Return, env: Environment) -> Leaf:
        returned = statement.value or ast.Constant(None)
        value = self.value(returned, env)
        is_display = isinstance(returned, (ast.Tuple, ast.List))
        if value is not None or not is_display or any(isinstance(part, ast.Starred) for part in returned.elts):
            return Leaf(statement.lineno, value)
        parts = tuple(self.value(part, env) for part in returned.elts)
        return Leaf(statement.lineno, None, parts=parts, kind=kind_of(returned, self.kinds))

    def _fork(self, statement: ast.stmt, rest: Sequence[ast.stmt], env: Environment) -> Tree:
        self.forks += 1
        if isinstance(statement, ast.If) and self.forks <= _MAX_FORKS:
            test = self.value(statement.test, env)
            self._forget(touched_by(statement.test), statement, env)
            yes = self.block([*statement.body, *rest], dict(env))
            return Fork(statement.lineno, test, yes, self.block([*statement.orelse, *rest], dict(env)))
        inner = self._within(statement, env) if isinstance(statement, ast.For) else None
        found = None
        if isinstance(statement, ast.For) and inner is not None:
            found = searched(statement, lambda node: self.value(node, inner))
        if found is not None and self.forks <= _MAX_FORKS:
            hit = Leaf(found.line, found.value)
            self._forget(touched_by(statement), statement, env)
            return Fork(statement.lineno, found.test, hit, self.block(rest, env))
        self._forget(touched_by(statement), statement, env)
        tree = self.block(rest, dict(env)) if self.forks <= _MAX_FORKS else Leaf(statement.lineno, None)
        for leaving in leavings(statement):
            # What the statement may write is forgotten by now: what can still be said holds at each place in it.
            raised = Leaf(leaving.lineno, None, raises=True)
            leaf = self._leaf(leaving, env) if isinstance(leaving, ast.Return) else raised
            tree = Fork(leaving.lineno, None, leaf, tree)
        return tree

    # -- values --------------------------------------------------------------------------------------------------

    def value(self, node: ast.expr, env: Environment) -> ast.expr | None:
        """The expression over definitions; None where it has an effect or mentions what cannot be said."""
        bound = bound_in(node)
        if any(True for _ in impure_parts(node)) or bound & self.parameters:
            return None
        names = {name: env[name] for name in names_in(node) - bound if name in env}
        if any(self._is_unknown(identity) for identity in names.values()):
            return None
        return put_in(node, {name: ast.Name(to, ast.Load()) for name, to in names.items()})

    def _is_unknown(self, identity: str) -> bool:
        return identity in self.definitions and self.definitions[identity].expression is None

    def _define(self, name: str, statement: ast.stmt, how: How, value: ast.expr | None, env: Environment) -> None:
        kind = kind_of(value, self.kinds) if value is not None else ""
        if kind == "iterator":  # it gives its items once only
            value = None
        identity = f"{name}#{len(self.definitions)}"
        shares = {identity}
        # A change in place leaves the object, so it stays whoever's it was.
        is_new = how != "changed" and self.is_flat and value is not None and is_fresh(value, self.kinds)
        if value is None or not (kind in IMMUTABLE or is_new):
            sources = {name, *names_in(statement)} & set(env)
            shares = shares.union(*(self._shares(env[source]) for source in sources))
        env[name] = identity
        shown: How = "inner" if self.depth else how
        self.definitions[identity] = Definition(identity, name, statement.lineno, shown, value, kind, frozenset(shares))
        self.kinds[identity] = kind

    def _shares(self, identity: str) -> frozenset[str]:
        known = self.definitions.get(identity)
        return known.shares if known is not None else frozenset({identity})

    def _forget(self, names: set[str], statement: ast.stmt, env: Environment) -> None:
        """Nothing can be said any more of these names, nor of what may share an object with them."""
        for name in sorted(names & set(env)):
            self._touch(name, statement, env)
        for name in sorted(names):
            self._define(name, statement, "changed", None, env)

    def _touch(self, name: str, statement: ast.stmt, env: Environment) -> None:
        """The object of `name` changes in place: what may share it is forgotten."""
        touched = self._shares(env[name])
        for other, identity in list(env.items()):
            if other != name and self._shares(identity) & touched:
                self._define(other, statement, "changed", None, env)

    # -- statements that go on -----------------------------------------------------------------------------------

    def effect(self, statement: ast.stmt, env: Environment) -> None:
        """Changes `env` as the statement changes the variables."""
        match statement:
            case ast.If():
                self._branch(statement, env)
            case ast.For(target=ast.Name(id=name)) if items := _few_items(statement):
                self.depth += 1
                for item in items:
                    self._assign({name: item}, statement, env)
                    self._effects(statement.body, env)
                self.depth -= 1
            case ast.For():
                self._loop(statement, env)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._assign({name: value}, statement, env)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._assign({name: value}, statement, env)
            case ast.Assign(targets=[ast.Tuple() as names], value=ast.Tuple() as values) if _pairwise(names, values):
                pairs = zip(names.elts, values.elts, strict=True)
                self._assign({to.id: value for to, value in pairs if isinstance(to, ast.Name)}, statement, env)
            case _:
                self._change(statement, env)

    def _effects(self, statements: Sequence[ast.stmt], env: Environment) -> None:
        for statement in statements:
            self.effect(statement, env)

    def _assign(self, values: Mapping[str, ast.expr], statement: ast.stmt, env: Environment) -> None:
        found = {name: self.value(value, env) for name, value in values.items()}
        effects = set[str]().union(*(touched_by(value) for value in values.values()))
        self._forget(effects - set(values), statement, env)
        for name, value in found.items():
            self._define(name, statement, "assigned", value, env)

    def _change(self, statement: ast.stmt, env: Environment) -> None:
        """A statement that changes one variable in place or by an operator; else what it may touch is forgotten."""
        effect = effects_of(statement)
        name = effect.name if effect is not None else ""
        changed = _applied(effect, self.kinds.get(env.get(name, ""), "")) if effect is not None else None
        value = self.value(changed, env) if changed is not None else None
        if value is None:
            if not isinstance(statement, (ast.Pass, ast.Import, ast.ImportFrom)):
                self._forget(touched_by(statement), statement, env)
            return
        self._touch(name, statement, env)
        self._define(name, statement, "changed", value, env)

    def _branch(self, statement: ast.If, env: Environment) -> None:
        test = self.value(statement.test, env)
        self._forget(touched_by(statement.test), statement, env)
        yes, no = dict(env), dict(env)
        self.depth += 1
        self._effects(statement.body, yes)
        self._effects(statement.orelse, no)
        self.depth -= 1
        for name in dict.fromkeys((*yes, *no)):
            one, other = yes.get(name), no.get(name)
            if one == other:
                continue
            known = one and other and not self._is_unknown(one) and not self._is_unknown(other)
            merged = None
            if test is not None and one and other and known:
                merged = ast.IfExp(test, ast.Name(one, ast.Load()), ast.Name(other, ast.Load()))
            self._define(name, statement, "branch", merged, env)

    def _loop(self, statement: ast.For, env: Environment) -> None:
        inner = self._within(statement, env)
        found: dict[str, ast.expr] = {}
        if inner is not None:
            found = accumulated(statement, lambda node: self.value(node, inner), lambda name: self._start(name, env))
        written = touched_by(statement)
        self._forget(written - set(found), statement, env)
        for name, value in found.items():
            self._touch(name, statement, env)
            self._define(name, statement, "loop", value, env)

    def _within(self, loop: ast.For, env: Environment) -> Environment | None:
        """The environment as the loop's body sees it, where targets mean themselves; None where names get mixed up."""
        loops = [node for node in ast.walk(loop) if isinstance(node, ast.For)]
        targets = set[str]().union(*(names_in(one.target) for one in loops))
        if targets & self.parameters or any(names_in(one.iter) & names_in(one.target) for one in loops):
            return None
        return {name: identity for name, identity in env.items() if name not in targets}

    def _start(self, name: str, env: Environment) -> tuple[ast.expr, str] | None:
        """What a variable is before a loop, with its kind; None where that cannot be said."""
        identity = env.get(name)
        if identity is None or self._is_unknown(identity):
            return None
        definition = self.definitions.get(identity)
        plain = definition.expression if definition is not None else None
        is_empty = isinstance(plain, (ast.Constant, ast.List, ast.Dict)) or _is_empty_call(plain)
        start = plain if plain is not None and is_empty else ast.Name(identity, ast.Load())
        return start, self.kinds.get(identity, "")


def _few_items(loop: ast.For) -> list[ast.expr]:
    """The items of a loop over a short literal: it is as good as its body written out for each."""
    jumps = any(isinstance(node, (ast.Break, ast.Continue)) for node in ast.walk(loop))
    items: list[ast.expr] = []
    match loop.iter:
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            written = touched_by(ast.Module(loop.body, []))
            items = [
                one
                for one in elements
                if isinstance(one, ast.Constant) or (isinstance(one, ast.Name) and one.id not in written)
            ]
            items = items if len(items) == len(elements) else []
        case ast.Constant(value=str() as text):
            items = [ast.Constant(character) for character in text]
        case _:
            pass
    return items if len(items) <= _MAX_ITEMS and not jumps and not loop.orelse else []


def _is_empty_call(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Call) and not node.args and not node.keywords


def _pairwise(names: ast.Tuple, values: ast.Tuple) -> bool:
    plain = all(isinstance(name, ast.Name) for name in names.elts)
    return plain and len(names.elts) == len(values.elts) and not any(isinstance(v, ast.Starred) for v in values.elts)


def _applied(effect: Effect, kind: str) -> ast.expr | None:
    """The variable's value after one effect outside of a loop."""
    old, new = ast.Name(effect.name, ast.Load()), effect.element
    if effect.kind == "operator" and effect.operator is not None and (kind in IMMUTABLE or kind == "tuple"):
        return ast.BinOp(old, effect.operator, new)
    if effect.kind == "append" and kind == "list":
        return ast.BinOp(old, ast.Add(), ast.List([new], ast.Load()))
    if effect.kind == "item" and kind == "dict" and effect.key is not None:
        return ast.Dict([None, effect.key], [old, new])
    if effect.kind == "add" and kind == "set":
        return ast.BinOp(old, ast.BitOr(), ast.Set([new]))
    if effect.kind == "method" and kind == "list":
        return _after_method(old, effect)
    if effect.kind == "method" and kind == "dict" and effect.method in ("update", "clear"):
        return ast.Dict([None, None], [old, new]) if effect.method == "update" else ast.Dict([], [])
    return None


def _after_method(old: ast.Name, effect: Effect) -> ast.expr | None:
    match effect.method:
        case "extend":
            return ast.BinOp(old, ast.Add(), ast.Call(ast.Name("list", ast.Load()), [effect.element], []))
        case "sort":
            return ast.Call(ast.Name("sorted", ast.Load()), [old], list(effect.keywords))
        case "insert" if effect.key is not None:
            front, back = ast.Slice(upper=effect.key), ast.Slice(lower=effect.key)
            begun = ast.BinOp(ast.Subscript(old, front, ast.Load()), ast.Add(), ast.List([effect.element], ast.Load()))
            return ast.BinOp(begun, ast.Add(), ast.Subscript(old, back, ast.Load()))
        case "pop":
            place = ast.unparse(effect.element)
            rest = {"None": ast.Slice(upper=ast.Constant(-1)), "0": ast.Slice(lower=ast.Constant(1))}.get(place)
            return ast.Subscript(old, rest, ast.Load()) if rest is not None else None
        case "clear":
            return ast.List([], ast.Load())
        case "reverse":
            backwards = ast.Slice(step=ast.UnaryOp(ast.USub(), ast.Constant(1)))
            return ast.Subscript(old, backwards, ast.Load())
        case _:
            return None


def leavings(statement: ast.AST) -> list[ast.Return | ast.Raise]:
    """The `return`s and `raise`s in a statement that leave the function it stands in."""
    found: list[ast.Return | ast.Raise] = []
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _LEAVES):
            found.append(node)
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return found


def can_leave(statement: ast.stmt) -> bool:
    """Whether a function may end within the statement."""
    return bool(leavings(statement))


def variable_text(expression: ast.expr) -> str:
    """An expression over definitions as the program writes it; "" where one variable stands there with two values."""
    identities = {name for name in names_in(expression) if "#" in name}
    plain = names_in(expression) - identities
    shown = [name_of(identity) for identity in identities]
    if len(set(shown)) < len(shown) or plain & set(shown):
        return ""
    names = {identity: ast.Name(name_of(identity), ast.Load()) for identity in identities}
    return ast.unparse(put_in(expression, dict(names)))
