"""What makes a grown program noise: an input that is never used, a value that never matters, no branch on the input."""

import ast
from collections import Counter
from dataclasses import dataclass, field


def noise(tree: ast.Module, entry: str, *, needs_branch: bool) -> str | None:
    """The short fixed reason why a program teaches nothing, or None.

    Static and conservative: "unused input"; "unused value", a name bound in a function and never read there; "constant
    value", a name that never gets anything but one constant; "no branch on input". Constant outputs and lines that
    never run show only in execution.
    """
    branches = not needs_branch
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef):
            continue
        names = Names.of(function)
        if names.parameters - names.read:
            return "unused input"
        if names.idle():
            return "unused value"
        if names.constant():
            return "constant value"
        branches = branches or (function.name == entry and names.branches_on_input())
    return None if branches else "no branch on input"


@dataclass(slots=True)
class Names:
    """What a function does with its names, gathered in one walk. Mutation by a method or an item counts as a change."""

    parameters: set[str]
    bound: Counter[str] = field(default_factory=Counter[str])
    read: set[str] = field(default_factory=set[str])
    iterated: set[str] = field(default_factory=set[str])
    """loop variables: iterating over something without looking at its items is not noise"""
    fixed: set[str] = field(default_factory=set[str])
    """names that are assigned something that depends on no name"""
    changed: set[str] = field(default_factory=set[str])
    flows: list[tuple[set[str], set[str]]] = field(default_factory=list[tuple[set[str], set[str]]])
    """(names bound or changed, names they come from) for each assignment, loop and method call"""
    decisions: list[set[str]] = field(default_factory=list[set[str]])
    """the names in each condition and each thing iterated over"""

    @classmethod
    def of(cls, function: ast.FunctionDef) -> "Names":
        found = cls({arg.arg for arg in function.args.args})
        for node in ast.walk(function):
            found._add(node)
        return found

    def _add(self, node: ast.AST) -> None:
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                self.read.add(name)
            case ast.Name(id=name):
                self.bound[name] += 1
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                sources = _names(value)
                self.flows.append(({name}, sources))
                if not sources - {"set"}:
                    self.fixed.add(name)
            case ast.Assign(targets=targets, value=value):
                self.flows.append(({name for target in targets for name in _names(target)}, _names(value)))
            case ast.AugAssign(target=target, value=value):
                self.flows.append((_names(target), _names(value)))
            case ast.For(target=target, iter=iterable) | ast.comprehension(target=target, iter=iterable):
                targets, sources = _names(target), _names(iterable)
                self.iterated |= targets
                self.flows.append((targets, sources))
                self.decisions.append(sources)
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                self.decisions.append(_names(test))
            case ast.Call(func=ast.Attribute(value=value), args=args):
                self.flows.append((_names(value), {name for arg in args for name in _names(arg)}))
            case ast.Expr(value=ast.Call(func=func)):
                self.changed |= _names(func)
            case ast.Subscript(value=value, ctx=ast.Store()):
                self.changed |= _names(value)
            case _:
                pass

    def idle(self) -> set[str]:
        """Names that are assigned and never read."""
        return self.bound.keys() - self.iterated - self.parameters - self.read

    def constant(self) -> set[str]:
        """Names bound once, to a constant or an empty container, and never changed."""
        return {name for name in self.fixed if self.bound[name] == 1} - self.changed

    def branches_on_input(self) -> bool:
        """Whether some condition or iterable depends, through assignments, on a parameter."""
        tainted = set(self.parameters)
        while True:
            grown = tainted.union(*(targets for targets, sources in self.flows if sources & tainted))
            if grown == tainted:
                return any(names & tainted for names in self.decisions)
            tainted = grown


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
