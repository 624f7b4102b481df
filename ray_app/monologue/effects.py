"""What a step did, in clauses: what it bound, changed, decided or raised."""

import ast
from collections.abc import Iterable, Mapping, Sequence

from ray_app.monologue.activation import Activation
from ray_app.monologue.styles import Work
from ray_app.monologue.texts import appended, attribute, element, is_literal, is_stateable, size
from ray_app.monologue.wording import LONG, Wording
from ray_app.semantics.record import Change, Evaluation, Frame, Scope, Step

_SHORT = 40
_SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.MatMult: "@",
}


class Effects:
    """The clauses on what steps of one run did."""

    def __init__(self, words: Wording) -> None:
        self.words = words
        self.source = words.source
        self.style = words.style
        self._recent: dict[str, str] = {}
        self._globals: dict[str, str] = {}
        self._moving = {change.name for step in words.run.steps for change in step.changes if change.scope == "global"}

    # Statements

    def statement(self, at: Activation, step: Step, following: Step | None) -> None:
        """What a statement did besides the values that were stated as they came."""
        told: set[str] = set(at.walruses)
        match self.source.nodes[step.node]:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(at, step, target, value, told)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(at, step, target, value, told)
            case ast.AugAssign() as node:
                self._augment(at, step, node, told)
            case ast.Return() as node if following is not None:
                self._wait(at, node)
            case ast.If(test=test) | ast.Assert(test=test) as node:
                self.decide(at, test, is_assert=isinstance(node, ast.Assert))
            case ast.Match():
                at.cases = (step.node, 0)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                self._enter(at, step, items, following)
                return
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                at.clauses.append(self.style.defined(name))
                told.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                at.clauses += [self.style.imported(alias.asname or alias.name) for alias in names]
                told.update(alias.asname or alias.name.partition(".")[0] for alias in names)
            case ast.Pass():
                at.clauses.append(self.style.nothing())
            case _:
                pass
        said = len(at.clauses)
        self.besides(at, step, told)
        node = self.source.nodes[step.node]
        if isinstance(node, ast.Expr):
            self._ran(at, node.value, silent=len(at.clauses) == said == 0)

    def _ran(self, at: Activation, value: ast.expr, *, silent: bool) -> None:
        """An expression that is a statement: where it leaves no trace in the state, such as `print(x)`, it is named."""
        found = at.values.get(self.source.id_of(value))
        if found is None or isinstance(value, (ast.Yield, ast.YieldFrom)):
            return
        if not silent:
            self.words.count(found)
        if not silent or found.frames or found.index in self.words.plan.stated or found.index in at.named:
            return
        if found.value != "None" and is_stateable(found.value):
            at.clauses.append(self.words.value(found))
        elif isinstance(value, ast.Call):
            at.clauses.append(self.style.calls(self.words.spans.code(found.node)))

    def _wait(self, at: Activation, node: ast.Return) -> None:
        """A `return` that is not the end yet, because a `finally` block runs first."""
        found = at.values.get(self.source.id_of(node.value)) if node.value is not None else None
        if found is not None:
            work = self.words.work(found)
        else:
            work = Work("", "", self.words.spans.code(self.source.id_of(node.value)) if node.value else "None")
        at.clauses.append(self.style.waits(work))
        at.pending = "return"

    def jump(self, at: Activation, step: Step) -> None:
        """`break` or `continue`: where it leads."""
        word = "break" if isinstance(self.source.nodes[step.node], ast.Break) else "continue"
        loop, number = step.loops[-1]
        at.clauses.append(self.style.jump(word, self.source.line(loop), number))
        at.pending = ""
        if word == "break":
            at.broken = loop

    def _enter(self, at: Activation, step: Step, items: Sequence[ast.withitem], following: Step | None) -> None:
        """A `with` is entered. Its step goes on when the body is over, so the next step says what entering changed."""
        after = dict(following.before) if following is not None and following.frame == step.frame else dict(step.after)
        told: set[str] = set()
        for item in items:
            at.clauses.append(self.style.enters(self.words.spans.code(self.source.id_of(item.context_expr))))
            if item.optional_vars is not None:
                self._unpack(at, step, item.optional_vars, after, told)
        at.clauses += self.differences({**step.before, **{name: after[name] for name in told}}, after)

    def differences(self, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
        """Clauses on what differs between two states of a frame."""
        return [
            self.style.becomes("local", name, "", value, ())
            for name, value in after.items()
            if is_stateable(value) and before.get(name) not in (None, value) and self._globals.get(name) != value
        ]

    # Conditions

    def decide(self, at: Activation, test: ast.expr, *, is_assert: bool) -> None:
        """A condition with its outcome."""
        found = at.values.get(self.source.id_of(test))
        if found is None or found.truth is None:
            return
        clause = self.test(at, test, found)
        if is_assert:
            at.clauses.append(self.style.assertion(clause, found.truth))
        else:
            at.clauses.append(self.style.condition(clause, found.truth, found.value))

    def test(self, at: Activation, test: ast.expr, found: Evaluation) -> str:
        """The clause on a condition's value; where it was the last thing said, that very clause."""
        if found.index in self.words.plan.stated and at.clauses:
            return at.clauses.pop()
        long = len(found.value) > _SHORT and not isinstance(test, (ast.BoolOp, ast.Compare, ast.UnaryOp))
        if (long or not is_stateable(found.value)) and size(found.value) is not None:
            self.words.count(found)
            return self.style.filling(self.words.spans.code(found.node), bool(found.truth))
        return self.words.value(found)

    def loop_test(self, at: Activation, step: Step) -> None:
        """The test of a `while`: another iteration, or the end of the loop."""
        node = self.source.nodes[step.node]
        assert isinstance(node, ast.While)
        number = step.loops[-1][1]
        found = at.values.get(self.source.id_of(node.test))
        clause = self.test(at, node.test, found) if found is not None else ""
        if self.words.run.truth_of(step, node.test):
            at.clauses.append(self.style.begins(clause, number))
        else:
            at.clauses.append(self.style.loop_ends(clause, number - 1, bool(node.orelse)))

    def guard(self, at: Activation, step: Step) -> None:
        """The guard of a case whose pattern has matched."""
        case = self.source.nodes[step.node]
        assert isinstance(case, ast.match_case)
        found = at.values.get(self.source.id_of(case.guard)) if case.guard is not None else None
        if case.guard is None or found is None or found.truth is None:
            return
        at.clauses.append(self.style.guard(self.test(at, case.guard, found), found.truth))
        if found.truth:
            at.cases = None

    # Assignments

    def _assign(self, at: Activation, step: Step, target: ast.expr, value: ast.expr, told: set[str]) -> None:
        found = at.values.get(self.source.id_of(value))
        if isinstance(target, ast.Name):
            after = step.after.get(target.id)
            if found is not None:
                is_known = isinstance(value, ast.Name) or step.before.get(target.id) == found.value
                work = self.words.known(found) if is_known else self.words.work(found)
            else:
                work = self.words.constant(self.words.spans.code(self.source.id_of(value)), after)
            scope = self._scope(step, target.id)
            self._is_known(scope, target.id, after)
            at.clauses.append(self.style.assigned(scope, target.id, work))
            told.add(target.id)
            self._aliases(at, step, target.id, value, told)
        elif isinstance(target, (ast.Subscript, ast.Attribute)):
            self._store(at, step, target, value, found, told)
        else:
            self._unpack(at, step, target, step.after, told)

    def _aliases(self, at: Activation, step: Step, name: str, value: ast.expr, told: set[str]) -> None:
        """The other names of what a name was just bound to, where the code does not show it."""
        change = next((change for change in step.changes if change.name == name), None)
        code = self.words.spans.code(self.source.id_of(value))
        aliases = [alias for alias in _others(change) if alias not in told and alias != code]
        if aliases and not isinstance(value, ast.Name):
            at.clauses.append(self.style.same(name, aliases))

    def _unpack(self, at: Activation, step: Step, target: ast.expr, after: Mapping[str, str], told: set[str]) -> None:
        for node in ast.walk(target):
            if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Store):
                continue
            value = after.get(node.id)
            if value is not None and is_stateable(value):
                at.clauses.append(self.style.assigned(self._scope(step, node.id), node.id, Work("", "", value)))
                told.add(node.id)

    def _store(
        self,
        at: Activation,
        step: Step,
        target: ast.Subscript | ast.Attribute,
        value: ast.expr,
        found: Evaluation | None,
        told: set[str],
    ) -> None:
        """`d[k] = v` and `a.b = v`: the place by its keys' values, unless the whole container is told at once."""
        root = _root(target)
        whole = step.after.get(root, "")
        changed = any(change.name == root for change in step.changes)
        if changed and isinstance(target, ast.Subscript) and is_stateable(whole) and len(whole) <= LONG:
            if found is not None and self.words.plan.pending.get(found.index):
                at.clauses.append(self.words.value(found))
            return
        text = self.words.spans.code(self.source.id_of(value))
        work = self.words.work(found) if found is not None else Work("", "", text)
        place = self._place(at, target)
        at.clauses.append(self.style.assigned("local", place, work))
        told.add(place)
        if self._shown(at, target, whole) is not None:
            told.update(self._holders(step, root))

    def _augment(self, at: Activation, step: Step, node: ast.AugAssign, told: set[str]) -> None:
        """`x += y`: the value before, the operand, and the value after; what holds it is told too where it is short."""
        target = node.target
        old, new = at.values.get(self.source.id_of(target)), at.values.get(step.node)
        if old is None or new is None or not is_stateable(new.value):
            return
        self.words.count(new)
        change = next((change for change in step.changes if change.name == _root(target)), None)
        filled = self._sum(at, node, old.value)
        if isinstance(target, ast.Name):
            if len(new.value) > LONG and not filled:
                return  # told by what was added
            scope, aliases = self._scope(step, target.id), _others(change)
            self._is_known(scope, target.id, new.value)
            at.clauses.append(self.style.becomes(scope, target.id, filled, new.value, aliases))
            told.update((target.id, *aliases))
            return
        at.clauses.append(self.style.becomes("local", self._place(at, target), filled, new.value, ()))
        if isinstance(target, ast.Attribute) or (change is not None and len(change.after or "") > LONG):
            told.update(self._holders(step, _root(target)))

    def _sum(self, at: Activation, node: ast.AugAssign, before: str) -> str:
        """`x += y` as the sum of the values: "3 + 4"."""
        found = at.values.get(self.source.id_of(node.value))
        if found is None:
            amount = self.words.spans.code(self.source.id_of(node.value))
        elif self.words.plan.pending.get(found.index):
            amount = f"({self.words.spans.filled(found)})"
        else:
            amount = found.value if is_literal(found.value) else ""
        if amount in ("", "()") or not is_literal(before) or len(before) > _SHORT or len(amount) > LONG:
            return ""
        return f"{before} {_SIGNS[type(node.op)]} {amount}"

    def _place(self, at: Activation, target: ast.expr) -> str:
        """A target by the values of its keys: "d['a']", "grid[0][1]", "self.total"."""
        if isinstance(target, ast.Attribute):
            return f"{self._place(at, target.value)}.{target.attr}"
        if isinstance(target, ast.Subscript):
            return f"{self._place(at, target.value)}[{self._key(at, target.slice)}]"
        return self.words.spans.code(self.source.id_of(target))

    def _key(self, at: Activation, key: ast.expr) -> str:
        found = at.values.get(self.source.id_of(key))
        if found is not None and is_literal(found.value) and len(found.value) <= _SHORT:
            self.words.count(found)
            return found.value
        return self.words.spans.code(self.source.id_of(key))

    def _shown(self, at: Activation, target: ast.expr, whole: str) -> str | None:
        """What a root's text shows at a target's place."""
        if not is_stateable(whole):
            return None
        if isinstance(target, ast.Attribute):
            inner = self._shown(at, target.value, whole)
            return None if inner is None else attribute(inner, target.attr)
        if isinstance(target, ast.Subscript):
            inner = self._shown(at, target.value, whole)
            return None if inner is None else element(inner, self._key(at, target.slice))
        return whole if isinstance(target, ast.Name) and whole else None

    def _holders(self, step: Step, root: str) -> Iterable[str]:
        """A name and the other names of the same object."""
        change = next((change for change in step.changes if change.name == root), None)
        return (root, *change.aliases) if change is not None else (root,)

    def _scope(self, step: Step, name: str) -> Scope:
        change = next((change for change in step.changes if change.name == name), None)
        return "local" if change is None else change.scope

    # Everything else that changed

    def besides(self, at: Activation, step: Step, told: set[str]) -> None:
        """The changes that nothing has told yet."""
        for change in step.changes:
            if change.name in told or self._is_known(change.scope, change.name, change.after):
                continue
            told.add(change.name)
            if clause := self._change(step, change, told):
                at.clauses.append(clause)

    def _is_known(self, scope: Scope, name: str, value: str | None) -> bool:
        """Whether another frame has told this value of a global already."""
        if scope != "global" or value is None:
            return False
        known = self._globals.get(name) == value
        self._globals[name] = value
        return known

    def _change(self, step: Step, change: Change, told: set[str]) -> str:
        after = change.after
        if after is None:
            handled = isinstance(self.source.nodes[step.node], ast.Delete)
            return self.style.deleted(change.name) if handled else ""
        self.words.check(after)
        if not is_stateable(after):
            return ""
        told.update(change.aliases)
        if self._recent.get(change.name) == after and change.scope == "local":
            return ""  # another frame has just said it of the same object under the same name
        self._recent[change.name] = after
        count = size(after)
        item = appended(change.before, after) if change.before is not None and len(after) > LONG else None
        if item is not None and count is not None:
            return self.style.appended(change.name, item, count)
        return self.style.becomes(change.scope, change.name, "", after, _others(change))

    def bound(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Names with the values that a loop, a case or a handler bound them to."""
        self.words.check(*[value for _, value in pairs])
        return [(name, value) for name, value in pairs if is_stateable(value)]

    # What a frame sees

    def sees(self, frame: Frame) -> list[tuple[Scope, str, str]]:
        """Captured variables and changing globals that a function uses, with their values when it is entered."""
        before = self.words.run.steps[frame.steps[0]].before if frame.steps else {}
        others = {name: value for name, value in before.items() if name not in frame.arguments and is_stateable(value)}
        if not others:
            return []
        mentioned = _names(self.source.nodes[frame.node])
        found: list[tuple[Scope, str, str]] = []
        for name, value in others.items():
            if name.rpartition(".")[2] not in mentioned:
                continue
            if self._is_captured(frame.node, name):
                found.append(("captured", name, value))
            elif name in self._moving:
                found.append(("global", name, value))
        return found

    def _is_captured(self, node: int, name: str) -> bool:
        """Whether an enclosing function binds the name."""
        for above in self.source.ancestors(node):
            outer = self.source.nodes[above]
            if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and name in _bound(outer):
                return True
        return False


def _names(node: ast.AST) -> set[str]:
    """Every name and attribute that stands in a tree."""
    found = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return found | {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}


def _bound(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    """The parameters and the names that are assigned somewhere in a function, not in one that is defined in it."""
    found = {inner.arg for inner in ast.walk(function.args) if isinstance(inner, ast.arg)}
    waiting: list[ast.AST] = [*ast.iter_child_nodes(function)]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            found.add(inner.id)
        if not isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(inner)
    return found


def _root(target: ast.expr) -> str:
    """The variable whose object a target lies in, "" where it is no variable's."""
    while isinstance(target, (ast.Subscript, ast.Attribute)):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def _others(change: Change | None) -> tuple[str, ...]:
    """The other names of the same object; an enum member is no discovery."""
    return () if change is None else tuple(alias for alias in change.aliases if alias != change.after)
