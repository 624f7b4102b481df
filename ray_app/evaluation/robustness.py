"""The same question in other clothes: programs renamed or reformatted through their syntax tree, with the same meaning.

A model that simulates execution should not care. Variants keep the item's id: compare the two runs with
`metrics.compare`.
"""

import ast
import builtins
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from ray_app.evaluation.items import Item
from ray_app.evaluation.verdicts import Executor
from ray_app.parsing import parse
from ray_app.records import Reject
from ray_app.sandbox.api import Job

Variant = Literal["renamed", "reformatted"]
_REFLECTION = frozenset(("locals", "globals", "vars", "eval", "exec", "dir"))
_WORDS = ("amber", "basil", "cedar", "delta", "ember", "fjord", "grove", "haven", "inlet", "jetty", "knoll", "lemon")


def variants(items: Iterable[Item], kind: Variant, executor: Executor, seed: int = 0) -> Iterator[Item | Reject]:
    """The variant of each prediction item, run to confirm that its own call still gives its output; others are Rejects
    ("not-a-prediction", "cannot-transform", "changed-behaviour")."""
    for item in items:
        if item.task not in ("output", "input"):
            yield Reject("robustness", item.id, "not-a-prediction")
        elif (code := transformed(item, kind, seed)) is None:
            yield Reject("robustness", item.id, "cannot-transform", kind)
        else:
            done = executor.run(Job(item.prelude + code, (item.call,), trace=False))
            before = executor.run(Job(item.prelude + item.code, (item.call,), trace=False))
            if done and before and done[0].status == "ok" and done[0].output == before[0].output:
                yield replace(item, code=code)
            else:
                yield Reject("robustness", item.id, "changed-behaviour", kind)


def transformed(item: Item, kind: Variant, seed: int = 0) -> str | None:
    """The program rewritten, None where it has no names to change or cannot be parsed."""
    try:
        tree = parse(item.code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if kind == "reformatted":
        return ast.unparse(tree)
    names = sorted(_renamable(tree, item.call))
    if not names:
        return None
    taken = {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)} | set(names)
    fresh = _fresh_names(taken, random.Random(f"{seed} {item.id}"))
    _Renamer(dict(zip(names, fresh, strict=False))).visit(tree)
    return ast.unparse(tree)


def _fresh_names(taken: set[str], rng: random.Random) -> Iterator[str]:
    words = rng.sample(_WORDS, len(_WORDS))
    turn = 0
    while True:
        for word in words:
            name = word if turn == 0 else f"{word}_{turn}"
            if name not in taken:
                yield name
        turn += 1


def _renamable(tree: ast.Module, call: str) -> set[str]:
    """Names that are only ever locals or parameters: not global, imported, built in, class attribute or keyword."""
    if any(isinstance(part, ast.Name) and part.id in _REFLECTION for part in ast.walk(tree)):
        return set()
    kept = set(dir(builtins)) | {
        part.arg for part in ast.walk(parse(call)) if isinstance(part, ast.keyword) and part.arg
    }
    local: set[str] = set()
    for part in ast.walk(tree):
        match part:
            case ast.Module(body=body) | ast.ClassDef(body=body):
                kept |= _bound_at(body)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                kept.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                kept |= {alias.asname or alias.name.partition(".")[0] for alias in names}
            case ast.Global(names=names):
                kept |= set(names)
            case ast.keyword(arg=str(name)):
                kept.add(name)
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                local.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                local.add(name)
            case _:
                pass
    return {name for name in local - kept if not name.startswith("__")}


def _bound_at(body: list[ast.stmt]) -> set[str]:
    """Names that statements bind in their own scope, not in the functions that they define."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(body)
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(part.name)
            continue
        if isinstance(part, ast.Lambda):
            continue
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.add(part.id)
        if isinstance(part, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and part.name:
            found.add(part.name)
        waiting += ast.iter_child_nodes(part)
    return found


class _Renamer(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def _new(self, name: str | None) -> str | None:
        return self._names.get(name, name) if name is not None else None

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self._names.get(node.id, node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = self._names.get(node.arg, node.arg)
        self.generic_visit(node)
        return node

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.Nonlocal:
        node.names = [self._names.get(name, name) for name in node.names]
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.ExceptHandler:
        node.name = self._new(node.name)
        self.generic_visit(node)
        return node

    def visit_MatchAs(self, node: ast.MatchAs) -> ast.MatchAs:
        node.name = self._new(node.name)
        self.generic_visit(node)
        return node

    def visit_MatchStar(self, node: ast.MatchStar) -> ast.MatchStar:
        node.name = self._new(node.name)
        return node

    def visit_MatchMapping(self, node: ast.MatchMapping) -> ast.MatchMapping:
        node.rest = self._new(node.rest)
        self.generic_visit(node)
        return node
