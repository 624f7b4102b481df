"""Programs mined from real code: self-contained, pure functions with the licence of the file they come from."""

import ast
import os
import socket
import textwrap
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from ray_app.errors import InputError
from ray_app.programs.closure import Module
from ray_app.programs.drivers import drivers
from ray_app.programs.examples import accepts, call_sites, doctest_calls, guessed_calls, needed_object
from ray_app.programs.inputs import Call
from ray_app.programs.purity import Impure, check_pure
from ray_app.programs.sources import SourceFile, SourceTree, imported, is_permissive, read
from ray_app.records import Program, Reject, content_id

STAGE = "mine"

_words = str.split
_SECTIONS = frozenset(
    _words("parameters args arguments returns return raises examples example notes see also references")
)
_RULES = frozenset("-" * n for n in range(3, 20)) | frozenset("=" * n for n in range(3, 20))


@dataclass(frozen=True, slots=True)
class MineConfig:
    """What is worth mining. `max_parameters` counts those without a default; `calls` bounds the candidate calls of each
    program, before mutation."""

    max_file_bytes: int = 1_000_000
    max_code_chars: int = 4_000
    min_nodes: int = 16
    max_lines: int = 60
    max_parameters: int = 6
    calls: int = 12
    permissive_only: bool = True
    seed: int = 0


def mine_trees(trees: Iterable[SourceTree], config: MineConfig | None = None) -> Iterator[Program | Reject]:
    """`mine` for each tree: what a stage maps over its shards."""
    for tree in trees:
        yield from mine(tree.files, config)


def mine(files: Iterable[SourceFile], config: MineConfig | None = None) -> Iterator[Program | Reject]:
    """The programs in these files, in order, and a Reject for every file, function and method that gives none.

    The files are one tree: a literal call found in one is an example input of a function in another. Helpers may come
    from any file of the same distribution, and then keep its licence. The calls are candidates that have not been
    executed. Never raises for a bad file.
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
    library = Library(config)
    for file, tree in parsed:
        if config.permissive_only and not is_permissive(file.license):
            yield Reject(STAGE, content_id(file.origin), "licence", f"{file.origin}: {file.license}")
            continue
        yield from _mine_file(file, library.module(file, tree), sites, config)


class Library:
    """The parsed modules of a tree, and of its distribution as far as they are imported. Each is parsed once or so."""

    def __init__(self, config: MineConfig) -> None:
        self._config = config
        self._load = lru_cache(maxsize=256)(self._parsed)

    def module(self, file: SourceFile, tree: ast.Module) -> Module:
        """A file's module, which finds what it imports from its own distribution."""
        return Module(tree, partial(self._imported, file))

    def _imported(self, importer: SourceFile, name: str) -> Module | None:
        found = imported(importer, name)
        return None if found is None else self._load(found)

    def _parsed(self, file: SourceFile) -> Module | None:
        tree = parse_file(file, self._config)
        return None if isinstance(tree, Reject) else self.module(file, tree)


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
        if not os.path.lexists(file.path):  # a link to nowhere is there
            raise InputError(
                f"{file.path} is not on {socket.gethostname()}: what is mined must lie under the same path on all nodes"
            ) from error
        return refused("unreadable", error)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return refused("unparsable", error)


@dataclass(frozen=True, slots=True)
class _Target:
    """What may become a program: `entry` is called; `own` is the author's function; `signature` takes the arguments and
    holds the statements that use them. A class comes with `slim`, its part that is needed, and the text of a driver."""

    name: str
    entry: str
    definition: str
    own: ast.FunctionDef
    signature: ast.FunctionDef
    slim: ast.ClassDef | None = None
    driver: str = ""


def _targets(module: Module) -> Iterator[_Target]:
    for definition in module.definitions:
        name = definition.name
        if name.startswith(("test", "Test", "__")):
            continue
        if isinstance(definition, ast.FunctionDef):
            yield _Target(name, name, name, definition, definition)
            continue
        for each in drivers(definition):
            full_name = f"{name}.{each.method.name}"
            yield _Target(full_name, each.entry, name, each.method, each.signature, each.definition, each.text)


def _mine_file(
    file: SourceFile, module: Module, sites: Mapping[str, Sequence[Call]], config: MineConfig
) -> Iterator[Program | Reject]:
    for target in _targets(module):
        origin = f"{file.origin}:{target.name}"
        try:
            yield _program(target, module, sites.get(target.entry, ()), replace(file, origin=origin), config)
        except Impure as reason:
            yield Reject(STAGE, content_id(origin), reason.reason, f"{origin}: {reason.detail}")


def _program(target: _Target, module: Module, sites: Sequence[Call], file: SourceFile, config: MineConfig) -> Program:
    _check_worth(target, config)
    docstring = ast.get_docstring(target.own) or ""
    known = [*doctest_calls(docstring, target.entry), *sites]
    known = [call for call in known if accepts(target.signature.args, call)]
    if not known and (attribute := needed_object(target.signature)) is not None:
        raise Impure("needs an object", attribute)
    check_pure(target.slim or target.own)
    code = module.close(target.definition, config.max_code_chars, target.slim)
    code += f"\n\n{target.driver}" if target.driver else ""
    try:
        check_pure(ast.parse(code))
    except (SyntaxError, ValueError) as error:  # pieces that are fine apart, such as a future import behind a function
        raise Impure("does not fit together", str(error)) from error
    calls = known[: config.calls - 2]
    calls += guessed_calls(target.signature, config.calls - len(calls), config.seed)
    texts = tuple(dict.fromkeys(_written(call, target) for call in calls))
    if not texts:
        raise Impure("no inputs")
    return Program(
        id=content_id("program", code, target.entry),
        source="mine",
        code=code,
        entry=target.entry,
        calls=texts,
        description=description(docstring),
        origin=file.origin,
        license=file.license,
    )


def _check_worth(target: _Target, config: MineConfig) -> None:
    parameters, own = target.signature.args, target.own
    names = [*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs]
    optional = len(parameters.defaults) + sum(default is not None for default in parameters.kw_defaults)
    if not names:
        raise Impure("no parameters")
    if len(names) - optional > config.max_parameters:
        raise Impure("too many parameters")
    if (own.end_lineno or 0) - own.lineno > 2 * config.max_lines:
        raise Impure("too long")
    nodes = list(ast.walk(own))
    if not any(isinstance(n, ast.Return) and n.value is not None for n in nodes) and not is_generator(own):
        raise Impure("returns nothing")
    body = own.body[1:] if ast.get_docstring(own) is not None else own.body
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


def _written(call: Call, target: _Target) -> str:
    named = Call(target.entry, call.args, call.keywords, "")
    return f"list({named})" if is_generator(target.own) else str(named)


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
