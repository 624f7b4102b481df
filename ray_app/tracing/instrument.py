"""Instrumentation: a program's syntax tree with notes in it, which record what CPython does and change nothing of it.

A note is a constant, the left operand of an `@` that hands its right operand on: `x + f(y)` becomes
`note @ ((note @ x) + (note @ f(note @ y)))`, and before a statement stands `note @ None`. No name of the program leads
to a note. Kinds, with what the note returns:

    S  a statement begins                         None     V  the value of an expression                   the value
    E  the body of a `for` or `with` has ended    None     B  the same where it is a condition              its truth
    I  an iteration of a `for` begins             None     K  an iteration of a comprehension's clause
    H  a handler is entered                       None        begins; on the right its targets              True
    F  a `finally` block is entered               None     M  a case's pattern has matched                  True
    L  a lambda begins                    its V note       W  the test of a `while` is about to be made     True
    Q  where a question stands                whether      R  the answer to a question                      True
                                      it is to be asked

Positions are kept, so lines in exceptions stay right. Left alone: docstrings, `__future__`, annotations, decorators,
bases, patterns, the types of handlers, and calls that look at the frame they are in. An augmented assignment to an item
or an attribute is taken apart, in the order in which CPython does it, into assignments to names that no program can
have: so the old and the new value get notes (of the target and of the statement).

Runs where programs run, so it loads no module but `_ast`.
"""

import _ast
from collections.abc import Callable, Iterable
from typing import Any

from ray_app.tracing.numbering import children_of, number_nodes

LOOKS_AT_FRAME = frozenset(("super", "locals", "globals", "vars", "eval", "exec", "dir"))
_DECLARATIONS = (_ast.Global, _ast.Nonlocal)
_FUNCTIONS = (_ast.FunctionDef, _ast.AsyncFunctionDef, _ast.Lambda)
_SCOPES = (*_FUNCTIONS, _ast.ClassDef)
_DEFINITIONS = (_ast.FunctionDef, _ast.AsyncFunctionDef, _ast.ClassDef)
_BINDERS = (_ast.MatchAs, _ast.MatchStar, _ast.MatchMapping, _ast.ExceptHandler)
_LEAVES = (_ast.Return, _ast.Raise, _ast.Break, _ast.Continue)
_UNNOTED = (_ast.Constant, _ast.Lambda, _ast.GeneratorExp, _ast.Starred, _ast.Slice)
_MOST_WATCHED = 64
_BREAK = "\0"
_ONLY_TREE = 0x400
"""PyCF_ONLY_AST"""

Place = dict[str, Any]


def compile_noted(source: str, filename: str, prefix: str, *, asks_truth: bool = True) -> tuple[Any, tuple[str, ...]]:
    """The code of a program with the constants that are to become notes, and the names that its record watches.

    The source may be one with a `Question`.
    """
    source, question = split_question(source)
    tree: Any = compile(source, filename, "exec", _ONLY_TREE, dont_inherit=True)
    nodes = number_nodes(tree)
    watched = _watched_names(tree, nodes)
    _Instrumenter(nodes, prefix, asks_truth, question).module(tree)
    return compile(tree, filename, "exec", dont_inherit=True), watched


class Question:
    """An expression to be evaluated when a note of this kind and node is made for the `visit`-th time in the run.

    It is evaluated in the program's own scope, as part of its code, and once. What follows in that run is of no use.
    """

    def __init__(self, kind: str, node: int, visit: int, expression: str) -> None:
        self.kind = kind
        self.node = node
        self.visit = visit
        self.expression = expression

    def before(self, source: str) -> str:
        """The source with the question, for `compile_noted`; no program's source can have null characters."""
        return f"{_BREAK}{self.kind}{_BREAK}{self.node}{_BREAK}{self.visit}{_BREAK}{self.expression}{_BREAK}{source}"


def split_question(source: str) -> tuple[str, Question | None]:
    """A source without the question that stands before it, and the question, if there is one."""
    if not source.startswith(_BREAK):
        return source, None
    _, kind, node, visit, expression, rest = source.split(_BREAK, 5)
    return rest, Question(kind, int(node), int(visit), expression)


def instrument(tree: Any, prefix: str, *, asks_truth: bool = True, question: Question | None = None) -> None:
    """Puts notes into the tree, as string constants: `prefix`, the kind, the node's number (for L also the body's).

    Without `asks_truth` a note is never asked for the truth of a value: CPython is, between two notes (V, then B).
    """
    _Instrumenter(number_nodes(tree), prefix, asks_truth, question).module(tree)


class _Instrumenter:
    def __init__(self, nodes: list[Any], prefix: str, asks_truth: bool, question: Question | None) -> None:
        self.numbers = {id(node): number for number, node in enumerate(nodes)}
        self.kept = nodes  # an id stays a node's own while the node lives
        self.prefix = prefix
        self.asks_truth = asks_truth
        self.question = question
        self.silent = _silent_names(nodes)
        self.looks = any(map(_looks_at_own_frame, nodes))
        self.takes_apart = False
        self.names_made = 0

    # Notes

    def note(self, kind: str, node: Any, value: Any, place: Place, more: str = "") -> Any:
        """`note @ value`, standing at the place."""
        text = f"{self.prefix}{kind}{self.numbers[id(node)]}{more}"
        return _ast.BinOp(_ast.Constant(text, **place), _MATMULT, value, **place)

    def mark(self, kind: str, node: Any, at: Any) -> list[Any]:
        """Statements that are only a note, and the question that is asked there."""
        place = _place(at)
        note = self.note(kind, node, _ast.Constant(None, **place), place)
        return [_ast.Expr(made, **place) for made in (note, *self.asked_at(kind, node, place))]

    def announce(self, kind: str, node: Any, at: Any, condition: Any) -> Any:
        """The condition, after a note that returns True; only the note where the condition is None."""
        place = _place(at)
        note = self.note(kind, node, _ast.Constant(None, **place), place)
        parts = [note, *self.asked_at(kind, node, place), *([] if condition is None else [condition])]
        return parts[0] if len(parts) == 1 else _ast.BoolOp(_AND, parts, **place)

    def asked_at(self, kind: str, node: Any, place: Place) -> list[Any]:
        """The question, as an expression that is true in any case; empty where none is asked."""
        question = self.question
        if question is None or (question.kind, question.node) != (kind, self.numbers[id(node)]):
            return []
        nothing = _ast.Constant(None, **place)
        is_time = self.note("Q", node, nothing, place, f",{question.visit}")
        asked: Any = compile(question.expression, "<question>", "eval", _ONLY_TREE, dont_inherit=True)
        answer = self.note("R", node, asked.body, place)
        return [_ast.BoolOp(_OR, [_ast.UnaryOp(_NOT, is_time, **place), answer], **place)]

    # Statements

    def module(self, tree: Any) -> None:
        tree.body = self.block(tree.body, has_docstring=True)

    def block(self, statements: list[Any], *, has_docstring: bool = False) -> list[Any]:
        """The statements, each behind its note."""
        done: list[Any] = []
        for position, statement in enumerate(statements):
            if isinstance(statement, _DECLARATIONS) or _is_fixed(statement, has_docstring and position == 0):
                done.append(statement)
                continue
            done += self.mark("S", statement, statement)
            done += self.statement(statement)
        return done

    def statement(self, node: Any) -> list[Any]:
        handle = _STATEMENTS.get(type(node))
        if handle is not None:
            return handle(self, node) or [node]
        for field in node._fields:
            self.replace(node, field)
        return [node]

    def replace(self, node: Any, field: str) -> None:
        """Instruments the expressions of one field."""
        held = getattr(node, field)
        if type(held) is list:
            held[:] = [self.value(item) if isinstance(item, _ast.expr) else item for item in held]
        elif isinstance(held, _ast.expr):
            setattr(node, field, self.value(held))

    def expression_statement(self, node: Any) -> None:
        # What a `yield` or `await` gives is dropped here, and is no value of the program's.
        dropped = isinstance(node.value, (_ast.Yield, _ast.YieldFrom, _ast.Await))
        node.value = self.inner(node.value) if dropped else self.value(node.value)

    def function(self, node: Any) -> None:
        self.replace(node.args, "defaults")
        self.replace(node.args, "kw_defaults")
        outer, self.takes_apart = self.takes_apart, not (self.looks and _looks_at_frame(node))
        node.body = self.block(node.body, has_docstring=True)
        self.takes_apart = outer

    def class_(self, node: Any) -> None:
        outer, self.takes_apart = self.takes_apart, False  # names made here would be attributes of the class
        node.body = self.block(node.body, has_docstring=True)
        self.takes_apart = outer

    def for_(self, node: Any) -> None:
        node.target, node.iter = self.value(node.target), self.value(node.iter)
        node.body = [*self.mark("I", node, node.target), *self.ended_block(node)]
        node.orelse = self.block(node.orelse)

    def ended_block(self, node: Any) -> list[Any]:
        """The body, and the note that it has ended where it can: what happens next is the statement's doing again."""
        last = node.body[-1]
        end = [] if isinstance(last, _LEAVES) else self.mark("E", node, last)
        return self.block(node.body) + end

    def while_(self, node: Any) -> None:
        node.test = self.announce("W", node, node.test, self.condition(node.test))
        node.body, node.orelse = self.block(node.body), self.block(node.orelse)

    def if_(self, node: Any) -> None:
        node.test = self.condition(node.test)
        node.body, node.orelse = self.block(node.body), self.block(node.orelse)

    def assert_(self, node: Any) -> None:
        node.test = self.condition(node.test)
        self.replace(node, "msg")

    def with_(self, node: Any) -> None:
        for item in node.items:
            self.replace(item, "context_expr")
            self.replace(item, "optional_vars")
        node.body = self.ended_block(node)

    def try_(self, node: Any) -> None:
        node.body, node.orelse = self.block(node.body), self.block(node.orelse)
        for handler in node.handlers:
            handler.body = [*self.mark("H", handler, handler), *self.block(handler.body)]
        if node.finalbody:
            node.finalbody = [*self.mark("F", node, node.finalbody[0]), *self.block(node.finalbody)]

    def match_(self, node: Any) -> None:
        node.subject = self.value(node.subject)
        for case in node.cases:  # a guard of ours is evaluated exactly when the pattern has matched
            theirs = None if case.guard is None else self.condition(case.guard)
            case.guard = self.announce("M", case, case.pattern, theirs)
            case.body = self.block(case.body)

    def annotated_assignment(self, node: Any) -> None:
        node.target = self.value(node.target)
        self.replace(node, "value")

    def augmented_assignment(self, node: Any) -> list[Any]:
        target = node.target
        if not self.takes_apart or isinstance(target, _ast.Name) or _slices(target):
            node.target, node.value = self.value(target), self.value(node.value)
            return [node]
        place, at = _place(node), _place(target)
        owner, key, result = self.made_name(), self.made_name(), self.made_name()
        steps = [_store(owner, self.value(target.value), place)]
        used = [owner, result]

        def part(context: Any) -> Any:
            """The target, of the owner and the key that are already evaluated."""
            if isinstance(target, _ast.Attribute):
                return _ast.Attribute(_load(owner, at), target.attr, context, **at)
            return _ast.Subscript(_load(owner, at), _load(key, at), context, **at)

        if isinstance(target, _ast.Subscript):
            steps.append(_store(key, self.value(target.slice), place))
            used.append(key)
        old = self.note("V", target, part(_LOAD), at)
        new = self.note("V", node, _load(result, place), place)
        made = _ast.Name(result, _STORE, **place)
        return [
            *steps,
            _store(result, old, place),
            _ast.AugAssign(made, node.op, self.value(node.value), **place),
            _ast.Assign([part(_STORE)], new, **place),
            _ast.Delete([_ast.Name(name, _DELETE, **place) for name in used], **place),
        ]

    def made_name(self) -> str:
        """A variable that no program can have; recorders leave names with a dot out."""
        self.names_made += 1
        return f".{self.names_made}"

    def untouched(self, node: Any) -> None:
        """No expression of this statement is evaluated, or none that gets a note."""

    # Expressions

    def value(self, node: Any) -> Any:
        """The expression, instrumented, within a note of its value."""
        context = getattr(node, "ctx", None)
        if isinstance(context, (_ast.Store, _ast.Del)) or isinstance(node, _UNNOTED):
            return self.inner(node)
        if isinstance(node, _ast.Name) and node.id in self.silent:
            return node
        if _looks_at_own_frame(node):
            return node
        return self.note("V", node, self.inner(node), _place(node))

    def inner(self, node: Any) -> Any:
        """The expression with notes in what it consists of, but none of its own value."""
        handle = _EXPRESSIONS.get(type(node))
        if handle is not None:
            handle(self, node)
            return node
        for field in node._fields:
            self.replace(node, field)
        return node

    def condition(self, node: Any) -> Any:
        """The expression where its truth is asked for: CPython asks once, and so do notes."""
        if isinstance(node, _ast.BoolOp):
            node.values = [self.operand_condition(operand) for operand in node.values]
        elif isinstance(node, _ast.UnaryOp) and isinstance(node.op, _ast.Not):
            node.operand = self.operand_condition(node.operand)
        elif isinstance(node, _ast.IfExp):
            node.test, node.body = self.condition(node.test), self.operand_condition(node.body)
            node.orelse = self.operand_condition(node.orelse)
        elif not isinstance(node, _ast.Constant):
            return self.asked(node)
        return node

    def operand_condition(self, node: Any) -> Any:
        """As `condition`, but a constant gets a note too: it says that evaluation came this far."""
        return self.asked(node) if isinstance(node, _ast.Constant) else self.condition(node)

    def asked(self, node: Any) -> Any:
        place = _place(node)
        value = node if _looks_at_own_frame(node) else self.inner(node)
        if not self.asks_truth:
            value = _ast.UnaryOp(_NOT, self.note("V", node, value, place), **place)
            value = _ast.UnaryOp(_NOT, value, **place)
        return self.note("B", node, value, place)

    def call(self, node: Any) -> None:
        if isinstance(node.func, _ast.Attribute):  # not the bound method, only its object
            node.func.value = self.value(node.func.value)
        elif not isinstance(node.func, _ast.Name):
            node.func = self.value(node.func)
        self.replace(node, "args")
        for keyword in node.keywords:
            self.replace(keyword, "value")

    def and_or(self, node: Any) -> None:
        node.values = [self.reached(operand) for operand in node.values]

    def compare(self, node: Any) -> None:
        node.left = self.value(node.left)
        first, *later = node.comparators
        node.comparators = [self.value(first), *[self.reached(operand) for operand in later]]

    def reached(self, node: Any) -> Any:
        """An operand that is evaluated only sometimes: a constant gets a note too, which says that it was."""
        is_constant = isinstance(node, _ast.Constant)
        return self.note("V", node, node, _place(node)) if is_constant else self.value(node)

    def unary(self, node: Any) -> None:
        is_not = isinstance(node.op, _ast.Not)
        node.operand = self.operand_condition(node.operand) if is_not else self.value(node.operand)

    def if_expression(self, node: Any) -> None:
        node.test = self.condition(node.test)
        node.body, node.orelse = self.value(node.body), self.value(node.orelse)

    def comprehension(self, node: Any) -> None:
        for field in ("elt", "key", "value"):
            if hasattr(node, field):
                self.replace(node, field)
        for clause in node.generators:
            place = _place(clause.target)
            targets = [_load(name, place) for name in bound_names(clause.target)]
            clause.target, clause.iter = self.value(clause.target), self.value(clause.iter)
            begun = self.note("K", clause, _ast.Tuple(targets, _LOAD, **place), place)
            clause.ifs = [begun, *self.asked_at("K", clause, place), *[self.condition(test) for test in clause.ifs]]

    def lambda_(self, node: Any) -> None:
        self.replace(node.args, "defaults")
        self.replace(node.args, "kw_defaults")
        place = _place(node.body)
        body = f",{self.numbers[id(node.body)]}"
        begun = self.note("L", node, _ast.Constant(None, **place), place, body)
        whole = node.body if _looks_at_own_frame(node.body) else self.inner(node.body)
        node.body = _ast.BinOp(begun, _MATMULT, whole, **place)

    def formatted(self, node: Any) -> None:
        self.replace(node, "value")
        if node.format_spec is not None:
            self.inner(node.format_spec)

    def joined(self, node: Any) -> None:
        for part in node.values:  # parts stand for themselves only within their string
            self.inner(part)

    def subscript(self, node: Any) -> None:
        node.value = self.value(node.value)
        if isinstance(node.slice, _ast.Tuple) and _slices(node):
            self.inner(node.slice)
        else:
            node.slice = self.value(node.slice)

    def attribute(self, node: Any) -> None:
        node.value = self.value(node.value)


_STATEMENTS: dict[type, Callable[[_Instrumenter, Any], "list[Any] | None"]] = {
    _ast.Expr: _Instrumenter.expression_statement,
    _ast.FunctionDef: _Instrumenter.function,
    _ast.AsyncFunctionDef: _Instrumenter.function,
    _ast.ClassDef: _Instrumenter.class_,
    _ast.For: _Instrumenter.for_,
    _ast.AsyncFor: _Instrumenter.for_,
    _ast.While: _Instrumenter.while_,
    _ast.If: _Instrumenter.if_,
    _ast.Assert: _Instrumenter.assert_,
    _ast.With: _Instrumenter.with_,
    _ast.AsyncWith: _Instrumenter.with_,
    _ast.Try: _Instrumenter.try_,
    _ast.TryStar: _Instrumenter.try_,
    _ast.Match: _Instrumenter.match_,
    _ast.AnnAssign: _Instrumenter.annotated_assignment,
    _ast.AugAssign: _Instrumenter.augmented_assignment,
    _ast.Import: _Instrumenter.untouched,
    _ast.ImportFrom: _Instrumenter.untouched,
}
if hasattr(_ast, "TypeAlias"):
    _STATEMENTS[_ast.TypeAlias] = _Instrumenter.untouched  # type: ignore[attr-defined]

_EXPRESSIONS: dict[type, Callable[[_Instrumenter, Any], None]] = {
    _ast.Constant: _Instrumenter.untouched,
    _ast.Name: _Instrumenter.untouched,
    _ast.Call: _Instrumenter.call,
    _ast.BoolOp: _Instrumenter.and_or,
    _ast.Compare: _Instrumenter.compare,
    _ast.UnaryOp: _Instrumenter.unary,
    _ast.IfExp: _Instrumenter.if_expression,
    _ast.ListComp: _Instrumenter.comprehension,
    _ast.SetComp: _Instrumenter.comprehension,
    _ast.DictComp: _Instrumenter.comprehension,
    _ast.GeneratorExp: _Instrumenter.comprehension,
    _ast.Lambda: _Instrumenter.lambda_,
    _ast.FormattedValue: _Instrumenter.formatted,
    _ast.JoinedStr: _Instrumenter.joined,
    _ast.Subscript: _Instrumenter.subscript,
    _ast.Attribute: _Instrumenter.attribute,
}
_MATMULT, _AND, _OR, _NOT = _ast.MatMult(), _ast.And(), _ast.Or(), _ast.Not()
_LOAD, _STORE, _DELETE = _ast.Load(), _ast.Store(), _ast.Del()


def bound_names(binder: Any) -> list[str]:
    """The names that a target, a pattern or a handler's head binds, in the order of the text."""
    return list(dict.fromkeys(name for node in number_nodes(binder) for name in _bound_here(node)))


def watched_names(tree: Any) -> tuple[str, ...]:
    """What a record watches beside variables: the names that the module assigns or that a function declares global,
    and as "Cls.attr" the data attributes of the module's classes."""
    return _watched_names(tree, number_nodes(tree))


def _watched_names(tree: Any, nodes: list[Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    classes = [node for node in tree.body if isinstance(node, _ast.ClassDef)]
    for name in _assigned(tree.body):
        found[name] = None
    for node in nodes:
        if isinstance(node, _ast.Global):
            found.update(dict.fromkeys(node.names))
    for class_ in classes:
        attributes = [*_assigned(class_.body), *_set_attributes(nodes, class_)]
        found.update({f"{class_.name}.{name}": None for name in attributes})
    return tuple(name for name in found if "__" not in name)[:_MOST_WATCHED]


def _assigned(statements: Iterable[Any]) -> list[str]:
    """The names that statements bind to data, in their own scope."""
    found: list[str] = []
    waiting = list(reversed(list(statements)))
    while waiting:
        node = waiting.pop()
        if isinstance(node, _ast.Name) and isinstance(node.ctx, _ast.Store):
            found.append(node.id)
        if not isinstance(node, _SCOPES):
            waiting += reversed(children_of(node))
    return found


def _set_attributes(nodes: list[Any], class_: Any) -> list[str]:
    """The attributes that are assigned through the class's name, or `cls` within the class."""
    found: list[str] = []
    for name, scope in ((class_.name, nodes), ("cls", number_nodes(class_))):
        for node in scope:
            stored = isinstance(node, _ast.Attribute) and isinstance(node.ctx, _ast.Store)
            if stored and isinstance(node.value, _ast.Name) and node.value.id == name:
                found.append(node.attr)
    return found


def _silent_names(nodes: list[Any]) -> frozenset[str]:
    """Names whose value says nothing: of modules, of functions and classes, and built-ins."""
    data: set[str] = set()
    silent: set[str] = set()
    for node in nodes:
        kind = type(node)
        if kind is _ast.Name:
            (silent if type(node.ctx) is _ast.Load else data).add(node.id)
        elif kind is _ast.arg:
            data.add(node.arg)
        elif kind in _DEFINITIONS:
            silent.add(node.name)
        elif kind is _ast.alias:
            silent.add(node.asname or node.name.partition(".")[0])
        elif kind in _BINDERS:
            data.update(_bound_here(node))
    return frozenset(silent - data)


def _bound_here(node: Any) -> list[str]:
    """The names that this very node binds: a stored name, a pattern's capture, a handler's name."""
    if isinstance(node, _ast.Name):
        return [] if isinstance(node.ctx, _ast.Load) else [node.id]
    if isinstance(node, _BINDERS):
        name = getattr(node, "name", None) or getattr(node, "rest", None)
        return [name] if name else []
    return []


def _place(node: Any) -> Place:
    return {
        "lineno": node.lineno,
        "col_offset": node.col_offset,
        "end_lineno": node.end_lineno,
        "end_col_offset": node.end_col_offset,
    }


def _load(name: str, place: Place) -> Any:
    return _ast.Name(name, _LOAD, **place)


def _store(name: str, value: Any, place: Place) -> Any:
    return _ast.Assign([_ast.Name(name, _STORE, **place)], value, **place)


def _is_fixed(statement: Any, comes_first: bool) -> bool:
    """A docstring, or an import from `__future__`: nothing may stand before it, and it does nothing."""
    if isinstance(statement, _ast.ImportFrom):
        return statement.module == "__future__"
    if not comes_first or not isinstance(statement, _ast.Expr) or not isinstance(statement.value, _ast.Constant):
        return False
    return isinstance(statement.value.value, str)


def _slices(target: Any) -> bool:
    """Whether a subscript has a slice in it, which is no value that could be kept."""
    if not isinstance(target, _ast.Subscript):
        return False
    parts = target.slice.elts if isinstance(target.slice, _ast.Tuple) else [target.slice]
    return any(isinstance(part, (_ast.Slice, _ast.Starred)) for part in parts)


def _looks_at_own_frame(node: Any) -> bool:
    return isinstance(node, _ast.Call) and isinstance(node.func, _ast.Name) and node.func.id in LOOKS_AT_FRAME


def _looks_at_frame(function: Any) -> bool:
    return any(_looks_at_own_frame(node) for node in number_nodes(function))
