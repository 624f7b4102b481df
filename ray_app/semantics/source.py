"""The text of a program as numbered nodes: what a record's numbers mean.

Lines are counted from 1 and refer to the code exactly as given. Nothing here runs the program.
"""

import ast
import functools
import io
import re
import tokenize
from dataclasses import dataclass, field

from ray_app.parsing import parse
from ray_app.tracing.numbering import children_of, number_nodes

ScopeNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef | ast.GeneratorExp
"""What has a frame of its own in a record. List, set and dictionary comprehensions have none."""
LoopNode = ast.For | ast.AsyncFor | ast.While | ast.comprehension
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_BLOCK_SCOPES = (*_FUNCTIONS, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LINES = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
"""Where the compiler sees a line end."""

_KEPT = 1 << 15
"""Answers about nodes that are kept, for all sources together."""

Place = tuple[int, int, int, int]
"""First line and byte, last line and the byte behind the end, as the compiler counts them."""


@dataclass(frozen=True, eq=False)
class Source:
    """The nodes of one program; build it with `read(code)`. Ids are indices of `nodes`."""

    code: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...] = field(repr=False)
    _ids: dict[int, int] = field(repr=False)
    _parents: tuple[int, ...] = field(repr=False)
    _rows: tuple[bytes, ...] = field(repr=False)

    @functools.cached_property
    def lines(self) -> tuple[str, ...]:
        """The code's lines without their ends; line 1 is `lines[0]`."""
        return tuple(row.decode("utf-8", "surrogatepass").rstrip("\r\n") for row in self._rows)

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """Every identifier that the program uses for a variable, a parameter, a function or a class."""
        found: set[str] = set()
        for node in self.nodes:
            for name in ("id", "arg", "name", "asname", "rest"):
                spelled = getattr(node, name, None)
                if isinstance(spelled, str):
                    found.add(spelled)
        return frozenset(found)

    def id_of(self, node: ast.AST) -> int:
        """The id of one of this source's own nodes."""
        return self._ids[id(node)]

    def parent(self, node: int) -> int:
        """The node right above; -1 above the module."""
        return self._parents[node]

    def ancestors(self, node: int) -> tuple[int, ...]:
        """The nodes above, innermost first, up to the module."""
        found: list[int] = []
        while (node := self._parents[node]) >= 0:
            found.append(node)
        return tuple(found)

    def children(self, node: int) -> tuple[int, ...]:
        """The nodes right below, in the order of the grammar's fields (that is of numbers, not always of the text)."""
        return tuple(self._ids[id(child)] for child in children_of(self.nodes[node]))

    def text(self, node: int) -> str:
        """The node's own text. What has no place of its own (a clause, a case) has that of the nodes in it."""
        first, start, last, end = self.place(node)
        if first == last:
            return self._cut(first, start, end)
        inner = [self._cut(line, 0, None) for line in range(first + 1, last)]
        return "".join([self._cut(first, start, None), *inner, self._cut(last, 0, end)])

    def line(self, node: int) -> int:
        """The line on which the node's own text begins; decorators do not count. 0 for an empty module."""
        return self.place(node)[0]

    def end_line(self, node: int) -> int:
        """The line on which it ends, with everything in it."""
        return self.place(node)[2]

    @functools.lru_cache(maxsize=_KEPT)  # noqa: B019
    def place(self, node: int) -> Place:
        """Where the node's text stands."""
        found = self.nodes[node]
        if isinstance(found, (ast.expr, ast.stmt, ast.excepthandler, ast.pattern, ast.arg, ast.keyword, ast.alias)):
            last, end = found.end_lineno or found.lineno, found.end_col_offset or found.col_offset
            return found.lineno, found.col_offset, last, end
        places = [self.place(child) for child in self._head(node)]
        if not places:
            return 0, 0, 0, 0
        start, end = min(place[:2] for place in places), max(place[2:] for place in places)
        return *start, *end

    def _head(self, node: int) -> tuple[int, ...]:
        """The nodes of its own text: of a case only the pattern and the guard."""
        found = self.nodes[node]
        if not isinstance(found, ast.match_case):
            return self.children(node)
        return tuple(self.id_of(part) for part in (found.pattern, found.guard) if part is not None)

    def _cut(self, line: int, start: int, end: int | None) -> str:
        return self._rows[line - 1][start:end].decode("utf-8", "surrogatepass")

    def statement_of(self, node: int) -> int:
        """The innermost statement that the node is or belongs to; -1 for the module."""
        while node >= 0 and not isinstance(self.nodes[node], ast.stmt):
            node = self._parents[node]
        return node

    def function_of(self, node: int) -> int:
        """The innermost function, lambda, class or generator expression in whose frame the node runs; -1: the module.

        Decorators, defaults, bases and the first iterable of a generator expression run outside of what they belong to.
        """
        below = node
        while (above := self._parents[node]) >= 0:
            if self._runs_inside(above, node, below):
                return above
            below, node = node, above
        return -1

    def _runs_inside(self, scope: int, child: int, below: int) -> bool:
        """Whether a node right below a scope, and what lies `below` that in turn, runs in the scope's frame."""
        found, inner = self.nodes[scope], self.nodes[child]
        if isinstance(found, ast.GeneratorExp):
            first = found.generators[0]
            return not (inner is first and self.nodes[below] is first.iter)
        if isinstance(found, ast.Lambda):
            return inner is found.body
        return isinstance(found, _BLOCK_SCOPES) and any(inner is part for part in found.body)

    @functools.lru_cache(maxsize=_KEPT)  # noqa: B019  (sources live as long as their cache)
    def loops_of(self, node: int) -> tuple[int, ...]:
        """The loops and comprehension clauses of the same frame of which an iteration runs this node, outermost first.

        A `while` runs its test once per iteration, and a clause its conditions; the iterable is not part of its loop.
        """
        found: list[int] = []
        child = below = node
        while (above := self._parents[child]) >= 0:
            found += reversed(self._loops_at(above, child))
            if self._runs_inside(above, child, below):
                break
            below, child = child, above
        return tuple(reversed(found))

    def _loops_at(self, above: int, child: int) -> list[int]:
        """The loops that a node stands for, seen from one of its children, outermost first."""
        loop, part = self.nodes[above], self.nodes[child]
        if isinstance(loop, (ast.For, ast.AsyncFor)):
            return [above] if part is loop.target or any(part is held for held in loop.body) else []
        if isinstance(loop, ast.While):
            return [above] if part is loop.test or any(part is held for held in loop.body) else []
        if isinstance(loop, ast.comprehension):
            return [above] if part is not loop.iter else []
        if isinstance(loop, _COMPREHENSIONS):
            clauses = [self._ids[id(clause)] for clause in loop.generators]
            return clauses[: clauses.index(child)] if child in clauses else clauses
        return []

    @functools.cached_property
    def functions(self) -> dict[str, int]:
        """Definitions of functions and classes by qualified name; of several of the same name the last."""
        found: dict[str, int] = {}
        for number, node in enumerate(self.nodes):
            if isinstance(node, _BLOCK_SCOPES):
                found[self.qualified_name(number)] = number
        return found

    @functools.lru_cache(maxsize=_KEPT)  # noqa: B019
    def qualified_name(self, scope: int) -> str:
        """The name of a scope's frames: "f", "A.twice", "f.<locals>.g", "f.<locals>.<genexpr>"; "<module>" for -1."""
        if scope < 0:
            return "<module>"
        node, outer = self.nodes[scope], self.function_of(scope)
        own = node.name if isinstance(node, _BLOCK_SCOPES) else "<lambda>"
        if isinstance(node, ast.GeneratorExp):
            own = "<genexpr>"
        if outer < 0:
            return own
        inner = "." if isinstance(self.nodes[outer], ast.ClassDef) else ".<locals>."
        return self.qualified_name(outer) + inner + own


@functools.lru_cache(maxsize=512)
def read(code: str) -> Source:
    """The nodes of `code`. Raises SyntaxError (or ValueError, for a null character) where it does not parse."""
    tree = parse(code)
    nodes = number_nodes(tree)
    ids = {id(node): number for number, node in enumerate(nodes)}
    parents = [-1] * len(nodes)
    for number, node in enumerate(nodes):
        for child in children_of(node):
            parents[ids[id(child)]] = number
    rows = tuple(part.encode("utf-8", "surrogatepass") for part in _LINES.split(code))
    return Source(code, tree, tuple(nodes), ids, tuple(parents), rows)


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
