"""Programs mined from real code: self-contained, pure functions with the licence of the file they come from."""

import ast
import textwrap
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ray_app.programs.closure import Module
from ray_app.programs.examples import accepts, call_sites, doctest_calls, guessed_calls
from ray_app.programs.inputs import Call
from ray_app.programs.purity import Impure, check_pure
from ray_app.programs.sources import SourceFile, SourceTree, is_permissive, read
from ray_app.records import Program, Reject, content_id

STAGE = "mine"

_words = str.split
_SECTIONS = frozenset(
    _words("parameters args arguments returns return raises examples example notes see also references")
)
_RULES = frozenset("-" * n for n in range(3, 20)) | frozenset("=" * n for n in range(3, 20))


@dataclass(frozen=True, slots=True)
class MineConfig:
    """What is worth mining. `calls` bounds the candidate calls of each program, before mutation."""

    max_file_bytes: int = 1_000_000
    max_code_chars: int = 4_000
    min_nodes: int = 20
    max_lines: int = 60
    max_parameters: int = 6
    calls: int = 8
    permissive_only: bool = True
    seed: int = 0


def mine_trees(trees: Iterable[SourceTree], config: MineConfig | None = None) -> Iterator[Program | Reject]:
    """`mine` for each tree: what a stage maps over its shards."""
    for tree in trees:
        yield from mine(tree.files, config)


def mine(files: Iterable[SourceFile], config: MineConfig | None = None) -> Iterator[Program | Reject]:
    """The programs in these files, in order, and a Reject for every file and function that gives none.

    The files are one tree: a literal call found in one is an example input of a function in another. The calls are
    candidates that have not been executed. Never raises for a bad file.
    """
    config = config or MineConfig()
    parsed: list[tuple[SourceFile, ast.Module]] = []
    for file in files:
        tree = parse_file(file, config)
        if isinstance(tree, Reject):
            yield tree
        else:
            parsed.append((file, tree))
    sites = call_sites(tree for _, tree in parsed)
    for file, tree in parsed:
        if config.permissive_only and not is_permissive(file.license):
            yield Reject(STAGE, content_id(file.origin), "licence", f"{file.origin}: {file.license}")
            continue
        yield from _mine_file(file, tree, sites, config)


def parse_file(file: SourceFile, config: MineConfig) -> ast.Module | Reject:
    def refused(reason: str, error: Exception) -> Reject:
        return Reject(STAGE, content_id(file.origin), reason, f"{file.origin}: {type(error).__name__}: {error}"[:200])

    try:
        text = read(file, config.max_file_bytes)
    except UnicodeDecodeError as error:
        return refused("not UTF-8", error)
    except ValueError as error:
        return refused("file too large", error)
    except (OSError, zipfile.BadZipFile) as error:
        return refused("unreadable", error)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return refused("unparsable", error)


def _mine_file(
    file: SourceFile, tree: ast.Module, sites: Mapping[str, Sequence[Call]], config: MineConfig
) -> Iterator[Program | Reject]:
    module = Module(tree)
    for definition in module.definitions:
        if not isinstance(definition, ast.FunctionDef) or definition.name.startswith(("test", "__")):
            continue
        origin = f"{file.origin}:{definition.name}"
        try:
            yield _program(definition, module, sites.get(definition.name, ()), file, config)
        except Impure as reason:
            yield Reject(STAGE, content_id(origin), reason.reason, f"{origin}: {reason.detail}")


def _program(
    function: ast.FunctionDef, module: Module, sites: Sequence[Call], file: SourceFile, config: MineConfig
) -> Program:
    _check_worth(function, config)
    check_pure(function)
    code = module.close(function.name, config.max_code_chars)
    tree = ast.parse(code)
    check_pure(tree)
    docstring = ast.get_docstring(function) or ""
    known = [*doctest_calls(docstring, function.name), *sites]
    calls = [call for call in known if accepts(function.args, call)][: config.calls - 2]
    calls += guessed_calls(function, config.calls - len(calls), config.seed)
    texts = tuple(dict.fromkeys(_written(call, function) for call in calls))
    if not texts:
        raise Impure("no inputs")
    return Program(
        id=content_id("program", code, function.name),
        source="mine",
        code=code,
        entry=function.name,
        calls=texts,
        description=description(docstring),
        origin=f"{file.origin}:{function.name}",
        license=file.license,
    )


def _check_worth(function: ast.FunctionDef, config: MineConfig) -> None:
    parameters = function.args
    names = [*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs]
    if not names:
        raise Impure("no parameters")
    if len(names) > config.max_parameters:
        raise Impure("too many parameters")
    if (function.end_lineno or 0) - function.lineno > 2 * config.max_lines:
        raise Impure("too long")
    nodes = list(ast.walk(function))
    if not any(isinstance(n, ast.Return) and n.value is not None for n in nodes) and not is_generator(function):
        raise Impure("returns nothing")
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if sum(1 for statement in body for _ in ast.walk(statement)) < config.min_nodes:
        raise Impure("trivial")


def is_generator(function: ast.FunctionDef) -> bool:
    """Whether calling the function itself gives a generator: a `yield` that is not in a nested function."""
    queue: list[ast.AST] = list(function.body)
    while queue:
        node = queue.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            queue += ast.iter_child_nodes(node)
    return False


def _written(call: Call, function: ast.FunctionDef) -> str:
    named = Call(function.name, call.args, call.keywords, "")
    return f"list({named})" if is_generator(function) else str(named)


def description(docstring: str) -> str:
    """A docstring as a task description: its paragraphs up to the first example, parameter list or section."""
    kept: list[str] = []
    for paragraph in textwrap.dedent(docstring).strip().split("\n\n"):
        first = paragraph.strip().partition("\n")[0]
        if paragraph.lstrip().startswith((">>>", ".. ")) or "\n>>>" in paragraph:
            break
        if (
            first.rstrip(":").lower() in _SECTIONS
            or first.startswith(":param")
            or set(paragraph.splitlines()[-1:]) & _RULES
        ):
            break
        kept.append(" ".join(paragraph.split()))
    return "\n\n".join(kept)[:1_000]
