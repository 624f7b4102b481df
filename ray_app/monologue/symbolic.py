"""What the path of a run says about the parameters: tests and the result, written over the parameters alone.

Straight-line assignments are substituted into later expressions; a variable that a loop writes, or that is mutated, is
opaque from there on. So every expression given here is Python over parameters that were not changed before it.
"""

import ast
import copy
from dataclasses import dataclass

from ray_app.monologue.timeline import Moment, Timeline

_LIMIT = 160


@dataclass(frozen=True, slots=True)
class Fact:
    """At `line` the expression had this truth ("test"), or was returned ("result")."""

    line: int
    expression: str
    kind: str
    outcome: bool = True


def facts(timeline: Timeline) -> list[Fact]:
    """The facts of the entry frame's path, in execution order; a test met more than once is told once."""
    follower = _Follower(timeline)
    for moment in timeline.frames[0].moments:
        follower.follow(moment)
    return list(dict.fromkeys(follower.found))


class _Follower:
    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.known: dict[str, ast.expr | None] = {
            name: ast.Name(name, ast.Load()) for name in timeline.frames[0].arguments
        }
        self.found: list[Fact] = []

    def follow(self, moment: Moment) -> None:
        statement = self.timeline.source.statements.get(moment.line)
        looping = bool(self.timeline.source.enclosing.get(moment.line))
        if isinstance(statement, (ast.If, ast.While)) and moment.outcome is not None:
            self._fact(moment, statement.test, "test", moment.outcome)
        elif isinstance(statement, ast.Return) and statement.value is not None and moment.following is None:
            self._fact(moment, statement.value, "result", True)
        target = self._assigned(statement)
        for change in moment.changes:
            self.known[change.name] = None
        if (
            target is not None
            and not looping
            and isinstance(statement, (ast.Assign, ast.AnnAssign))
            and statement.value is not None
        ):
            self.known[target] = self._over_parameters(statement.value)

    def _assigned(self, statement: ast.stmt | None) -> str | None:
        if (
            isinstance(statement, ast.Assign)
            and len(statement.targets) == 1
            and isinstance(statement.targets[0], ast.Name)
        ):
            return statement.targets[0].id
        return None

    def _fact(self, moment: Moment, expression: ast.expr, kind: str, outcome: bool) -> None:
        over = self._over_parameters(expression)
        if over is None:
            return
        text = _written(over)
        if 0 < len(text) <= _LIMIT and any(
            isinstance(node, ast.Name) and node.id in self.timeline.frames[0].arguments for node in ast.walk(over)
        ):
            self.found.append(Fact(moment.line, text, kind, outcome))

    def _over_parameters(self, expression: ast.expr) -> ast.expr | None:
        """The expression with locals substituted; None where one is opaque or a program function is called."""
        own = {name.split(".")[-1] for name in self.timeline.source.functions}
        scoped = {n.id for n in ast.walk(expression) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        scoped |= {n.arg for n in ast.walk(expression) if isinstance(n, ast.arg)}
        for node in ast.walk(expression):
            if isinstance(node, ast.Name) and node.id not in scoped:
                if node.id in own or (node.id in self.known and self.known[node.id] is None):
                    return None
                if scoped and self.known.get(node.id) is not None and not isinstance(self.known[node.id], ast.Name):
                    return None
            if isinstance(node, (ast.NamedExpr, ast.Await, ast.Yield)) or (
                isinstance(node, ast.Call) and _mutates(node)
            ):
                return None
        return _Substitute(
            {name: value for name, value in self.known.items() if value is not None and name not in scoped}
        ).visit(copy.deepcopy(expression))


def _written(expression: ast.expr) -> str:
    """The expression on one line; "" if it cannot be written, because an f-string cannot hold what now stands in it."""
    try:
        text = ast.unparse(expression)
        ast.parse(text, mode="eval")
    except (ValueError, SyntaxError):
        return ""
    return "" if "\n" in text else text


def _mutates(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in (
        *(
            "pop",
            "append",
            "remove",
            "sort",
            "reverse",
            "insert",
            "extend",
            "clear",
            "update",
            "add",
            "popitem",
            "setdefault",
            "discard",
        ),
    )


class _Substitute(ast.NodeTransformer):
    def __init__(self, known: dict[str, ast.expr]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self.known.get(node.id)
        return copy.deepcopy(value) if value is not None and isinstance(node.ctx, ast.Load) else node
