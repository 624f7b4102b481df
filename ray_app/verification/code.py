"""What a statement of a program writes and is governed by, read from its tree."""

import ast
import functools

from ray_app.semantics.source import Source


@functools.lru_cache(maxsize=8_192)
def written(source: Source, node: int) -> frozenset[str]:
    """The names that a statement's own head assigns, binds or deletes."""
    found = source.nodes[node]
    if isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return frozenset([found.name])
    if isinstance(found, (ast.Import, ast.ImportFrom)):
        return frozenset((alias.asname or alias.name).split(".")[0] for alias in found.names)
    names: set[str] = set()
    for part in heads(found):
        for inner in ast.walk(part):
            if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
                names.add(inner.id)
            elif isinstance(inner, (ast.MatchAs, ast.MatchStar)) and inner.name:
                names.add(inner.name)
    if isinstance(found, ast.ExceptHandler) and found.name:
        names.add(found.name)
    return frozenset(names)


@functools.lru_cache(maxsize=8_192)
def mentioned(source: Source, node: int) -> frozenset[str]:
    """The names in a statement's own head."""
    return frozenset(
        inner.id for part in heads(source.nodes[node]) for inner in ast.walk(part) if isinstance(inner, ast.Name)
    )


def heads(node: ast.AST) -> list[ast.AST]:
    """The parts of a statement that run with it; the statements in its blocks run by themselves."""
    if isinstance(node, (ast.If, ast.While)):
        return [node.test]
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return [node.target, node.iter]
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return list(node.items)
    if isinstance(node, ast.Match):
        return [node.subject]
    if isinstance(node, ast.match_case):
        return [node.pattern, *([node.guard] if node.guard else [])]
    if isinstance(node, ast.ExceptHandler):
        return [node.type] if node.type else []
    if isinstance(node, (ast.Try, ast.TryStar, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return []
    return [node]


def condition_of(node: ast.AST) -> ast.expr | None:
    """The test that decides which way a statement goes."""
    if isinstance(node, (ast.If, ast.While, ast.Assert)):
        return node.test
    return node.guard if isinstance(node, ast.match_case) else None


@functools.lru_cache(maxsize=8_192)
def governing(source: Source, node: int) -> tuple[int, bool] | None:
    """The innermost `if` or `while` around a node in its function, and whether the node lies in its body (else:
    `else`)."""
    below = node
    while (above := source.parent(below)) >= 0:
        found = source.nodes[above]
        if isinstance(found, (ast.If, ast.While)) and source.nodes[below] is not found.test:
            return above, any(source.nodes[below] is part for part in found.body)
        if isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            return None
        below = above
    return None
