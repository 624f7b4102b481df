"""What the assembly of a record asks of a program's text, again and again: answers are kept."""

import ast
import functools

from ray_app.semantics.source import Source
from ray_app.tracing.instrument import bound_names

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.Lambda, ast.ClassDef, ast.GeneratorExp)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_KEPT = 1 << 14


@functools.lru_cache(maxsize=64)
def _scopes(source: Source) -> dict[tuple[str, int], list[int]]:
    found: dict[tuple[str, int], list[int]] = {}
    for number, node in enumerate(source.nodes):
        if isinstance(node, _SCOPES):
            decorators = getattr(node, "decorator_list", [])
            line = min([node.lineno, *(decorator.lineno for decorator in decorators)])
            found.setdefault((source.qualified_name(number), line), []).append(number)
    return found


def scope_at(source: Source, function: str, line: int) -> int:
    """The node whose frames have this name and first line; -1 where none has, or several."""
    found = _scopes(source).get((function, line), [])
    return found[0] if len(found) == 1 else -1


@functools.lru_cache(maxsize=_KEPT)
def parameters(source: Source, scope: int) -> tuple[str, ...]:
    """The parameters of a function or lambda, in order."""
    node = source.nodes[scope] if scope >= 0 else None
    if not isinstance(node, (*_FUNCTIONS, ast.Lambda)):
        return ()
    given = node.args
    found = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return tuple(parameter.arg for parameter in found if parameter is not None)


@functools.lru_cache(maxsize=_KEPT)
def is_generator(source: Source, scope: int) -> bool:
    """Whether a frame's suspensions hand out values (those of a coroutine do not)."""
    node = source.nodes[scope] if scope >= 0 else None
    if not isinstance(node, ast.AsyncFunctionDef):
        return True
    yields = [number for number, held in enumerate(source.nodes) if isinstance(held, ast.Yield)]
    return any(source.function_of(number) == scope for number in yields)


@functools.lru_cache(maxsize=_KEPT)
def yielded(source: Source, statement: int) -> int:
    """What the only `yield` of a statement hands out; -1 where there is none, or several."""
    found = [node for node in ast.walk(source.nodes[statement]) if isinstance(node, ast.Yield)]
    return source.id_of(found[0].value) if len(found) == 1 and found[0].value is not None else -1


@functools.lru_cache(maxsize=_KEPT)
def bound_by(source: Source, node: int) -> tuple[str, ...]:
    """The names that an iteration, a case or a handler binds when it begins."""
    found = source.nodes[node]
    if isinstance(found, (ast.For, ast.AsyncFor, ast.comprehension)):
        return tuple(bound_names(found.target))
    if isinstance(found, ast.match_case):
        return tuple(bound_names(found.pattern))
    if isinstance(found, ast.ExceptHandler) and found.name:
        return (found.name,)
    return ()


@functools.lru_cache(maxsize=_KEPT)
def assigns_parts(source: Source, node: int) -> bool:
    """Whether the target of a loop is, or has in it, an item or an attribute."""
    found = source.nodes[node]
    if not isinstance(found, (ast.For, ast.AsyncFor)):
        return False
    return any(isinstance(part, (ast.Subscript, ast.Attribute)) for part in ast.walk(found.target))


@functools.lru_cache(maxsize=_KEPT)
def clauses_with(source: Source, clause: int) -> tuple[int, ...]:
    """All clauses of a clause's comprehension, in order."""
    comprehension = source.nodes[source.parent(clause)]
    if not isinstance(comprehension, _COMPREHENSIONS):
        raise ValueError(f"node {clause} is no clause of a comprehension")
    return tuple(source.id_of(part) for part in comprehension.generators)


@functools.lru_cache(maxsize=_KEPT)
def handler_names(source: Source, node: int) -> frozenset[str]:
    """The names of the exception handlers that a statement stands in."""
    around = [source.nodes[above] for above in source.ancestors(node)]
    return frozenset(above.name for above in around if isinstance(above, ast.ExceptHandler) and above.name)


@functools.lru_cache(maxsize=_KEPT)
def with_around(source: Source, node: int) -> int:
    """The `with` statement that is left first when an exception leaves the node, before any handler; -1: none."""
    child = node
    for above in source.ancestors(node):
        found, part = source.nodes[above], source.nodes[child]
        if isinstance(found, (ast.With, ast.AsyncWith)) and any(part is held for held in found.body):
            return above
        if isinstance(found, _SCOPES):
            return -1
        if isinstance(found, (ast.Try, ast.TryStar)) and _is_guarded(found, part):
            return -1
        child = above
    return -1


def _is_guarded(statement: ast.Try | ast.TryStar, part: ast.AST) -> bool:
    """Whether the statement does something when an exception leaves one of its parts."""
    in_final = any(part is held for held in statement.finalbody)
    in_body = any(part is held for held in statement.body)
    return in_body or (bool(statement.finalbody) and not in_final)
