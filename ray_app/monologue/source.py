"""What the text of a program says before it runs: which statement owns a line, where loops and branches begin and end.

Line numbers are 1-based and refer to the code exactly as given. Nothing here runs the program.
"""

import ast
import functools
import io
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

_COMPOUND = (ast.For, ast.While, ast.If, ast.With, ast.Try, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Loop:
    """A `for` or `while` statement: header lines `line`..`header_end`, whole extent `line`..`end`.

    `inline` loops keep their body on the header's line, so a trace cannot tell their iterations apart. `beginnings` are
    the lines at which an iteration may begin: the body's first line, and within a `try:`, which runs once, its first.
    """

    line: int
    header_end: int
    body_end: int
    end: int
    kind: str
    targets: tuple[str, ...]
    subject: str
    endless: bool
    beginnings: tuple[int, ...]
    inline: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """An `if` statement: its test, and the lines of its body and of its `else` part (0, 0 where there is none)."""

    line: int
    header_end: int
    test: str
    body: tuple[int, int]
    orelse: tuple[int, int]
    inline: bool


@dataclass(frozen=True, eq=False)
class Source:
    """The facts about one program; build it with `read(code)`.

    `constants` are the values of the names that are bound once, by the module, to a number, a string or a truth value;
    `outer` are those and the functions, as names of unknown value: what an expression may read besides a frame's names.
    """

    code: str
    lines: tuple[str, ...]
    tree: ast.Module
    statements: dict[int, ast.stmt] = field(repr=False)
    loops: dict[int, Loop] = field(repr=False)
    branches: dict[int, Branch] = field(repr=False)
    functions: dict[str, ast.FunctionDef] = field(repr=False)
    enclosing: dict[int, tuple[int, ...]] = field(repr=False)
    names: frozenset[str] = field(repr=False)
    nodes: tuple[ast.AST, ...] = field(repr=False)
    constants: dict[str, str] = field(repr=False)
    outer: dict[str, str] = field(repr=False)

    def text(self, line: int) -> str:
        """The stripped text of a line, "" outside the code."""
        return self.lines[line - 1].strip() if 1 <= line <= len(self.lines) else ""

    def loop_of(self, line: int) -> Loop | None:
        """The innermost loop whose header or body holds the line."""
        around = self.enclosing.get(line, ())
        return self.loops[around[-1]] if around else None

    def stands_for(self, line: int) -> tuple[int, bool | None]:
        """The statement that a line number means: its first line, and for an `else:` that its test comes out false."""
        statement = self.statements.get(line)
        if statement is not None:
            return statement.lineno, None
        for branch in self.branches.values():
            if branch.body[1] < line < branch.orelse[0]:
                return branch.line, False
        return line, None

    def function(self, qualified: str) -> ast.FunctionDef | None:
        """The definition of a frame's function by its qualified name."""
        return self.functions.get(qualified)


@functools.lru_cache(maxsize=512)
def read(code: str) -> Source:
    """The facts about `code`. Raises SyntaxError where it does not parse."""
    tree = ast.parse(code)
    nodes = tuple(ast.walk(tree))
    source = Source(
        code, tuple(code.split("\n")), tree, {}, {}, {}, {}, {}, _names(nodes), nodes, _constants(tree, nodes), {}
    )
    _visit_block(source, tree.body, (), "")
    source.outer.update(source.constants)
    source.outer.update({name: "<function>" for name in source.functions if "." not in name})
    return source


def is_inner(function: str) -> bool:
    """Whether a frame belongs to a comprehension, generator expression or lambda rather than a `def`."""
    return function.endswith(("comp>", "<genexpr>", "<lambda>"))


def label(code: str) -> str:
    """The code with `# [L5]` after every line that can carry a comment; it parses to the same program.

    Lines inside a multi-line string and lines continued with a backslash carry no label, blank lines neither.
    Code that does not tokenize is returned as it is.
    """
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (tokenize.TokenError, SyntaxError):
        return code
    free = {token.start[0] for token in tokens if token.type in (tokenize.NEWLINE, tokenize.NL)}
    lines = code.split("\n")
    labelled = [
        f"{line.rstrip()}  # [L{number}]" if number in free and line.strip() else line
        for number, line in enumerate(lines, 1)
    ]
    return "\n".join(labelled)


def _constants(tree: ast.Module, nodes: tuple[ast.AST, ...]) -> dict[str, str]:
    names = [node for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)]
    bound = Counter(node.id for node in names)
    bound.update(node.arg for node in nodes if isinstance(node, ast.arg))
    found: dict[str, str] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            value = statement.value.value
            if isinstance(value, (bool, int, float, str)):
                found.update({target.id: repr(value) for target in statement.targets if isinstance(target, ast.Name)})
    return {name: value for name, value in found.items() if bound[name] == 1}


def _names(nodes: tuple[ast.AST, ...]) -> frozenset[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
    return frozenset(found)


def blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks of statements that a compound statement holds, in order."""
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        held = getattr(statement, name, None)
        if not held or not isinstance(held, list):
            continue
        if name in ("handlers", "cases"):
            yield from (part.body for part in held)
        else:
            yield held


def inside(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The statement and all statements in its blocks."""
    yield statement
    for block in blocks(statement):
        for held in block:
            yield from inside(held)


def header_end(node: ast.stmt) -> int:
    """The last line of a statement's own text: for a compound statement, the line before its body."""
    if isinstance(node, _COMPOUND) and not isinstance(node, ast.Try):
        return max(node.lineno, _first_line(node.body[0]) - 1)
    if isinstance(node, ast.Try):
        return node.lineno
    return node.end_lineno or node.lineno


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _visit_block(source: Source, block: list[ast.stmt], loops: tuple[int, ...], prefix: str) -> None:
    for node in block:
        _visit(source, node, loops, prefix)


def _visit(source: Source, node: ast.stmt, loops: tuple[int, ...], prefix: str) -> None:
    inner = loops
    if isinstance(node, (ast.For, ast.While)):
        inner = (*loops, node.lineno)
        source.loops[node.lineno] = _loop(node)
    elif isinstance(node, ast.If):
        source.branches[node.lineno] = _branch(node)
    for line in range(node.lineno, header_end(node) + 1):
        source.statements.setdefault(line, node)
        source.enclosing.setdefault(line, inner)
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        name = prefix + node.name
        if isinstance(node, ast.FunctionDef):
            source.functions[name] = node
        _visit_block(source, node.body, (), f"{name}." + ("<locals>." if isinstance(node, ast.FunctionDef) else ""))
        return
    for block in ("body", "handlers", "orelse", "finalbody"):
        part = getattr(node, block, [])
        if block == "handlers":
            for handler in part:
                source.enclosing.setdefault(handler.lineno, inner)
                _visit_block(source, handler.body, inner, prefix)
        elif isinstance(part, list):
            after = loops if block == "orelse" else inner
            _visit_block(source, part, after, prefix)
    if isinstance(node, ast.Match):
        for case in node.cases:
            _visit_block(source, case.body, inner, prefix)


def _loop(node: ast.For | ast.While) -> Loop:
    if isinstance(node, ast.For):
        targets = tuple(name.id for name in ast.walk(node.target) if isinstance(name, ast.Name))
        kind, subject, endless = "for", ast.unparse(node.iter), False
    else:
        targets, kind, subject = (), "while", ast.unparse(node.test)
        endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
    first = _first_line(node.body[0])
    body_end = node.body[-1].end_lineno or first
    return Loop(
        line=node.lineno,
        header_end=header_end(node),
        body_end=body_end,
        end=node.end_lineno or body_end,
        kind=kind,
        targets=targets,
        subject=subject,
        endless=endless,
        beginnings=tuple(_beginnings(node.body[0])),
        inline=first <= node.lineno,
    )


def _beginnings(node: ast.stmt) -> Iterator[int]:
    yield _first_line(node)
    if isinstance(node, ast.Try):
        yield from _beginnings(node.body[0])


def _branch(node: ast.If) -> Branch:
    first = _first_line(node.body[0])
    orelse = (node.orelse[0].lineno, node.orelse[-1].end_lineno or 0) if node.orelse else (0, 0)
    return Branch(
        line=node.lineno,
        header_end=header_end(node),
        test=ast.unparse(node.test),
        body=(first, node.body[-1].end_lineno or first),
        orelse=orelse,
        inline=first <= node.lineno,
    )
