"""Is what a diagnosis says of the code so? Quoted code must stand in the program, at the line that the words name."""

import ast
import re
from collections.abc import Iterator

from ray_app.records import Claim, Truth
from ray_app.repair.changes import Comparison
from ray_app.semantics.source import Source

_LINE = re.compile(r"\bL(\d+)")
_QUOTE = re.compile(r"`([^`]+)`")
_ITEM = re.compile(r"([\w.]+)(?:\[[^\]]*\])+")
_PLACED = re.compile(r"\[L(\d+)\] (?:In [^`]*?: )?(Call of |Iteration \d+: )?`([^`]+)`( is imported| is set to)?")
_NEEDED = re.compile(r"(?:\bput|\breads?|\bread|case:|inside|\bwith|\band) $", re.IGNORECASE)
_WRONG = re.compile(r"(?:in place of|\btake) $", re.IGNORECASE)
_LOOSE = re.compile(r"\d+|'[^']*'")


def quoted(text: str) -> list[str]:
    """The pieces of code that a text quotes."""
    return _QUOTE.findall(text)


def foreign(source: Source, text: str) -> list[str]:
    """The pieces of code that a text quotes and a program does not have; of an item, its container must stand there."""
    held = {piece: _ITEM.fullmatch(piece) for piece in quoted(text)}
    return [piece for piece, item in held.items() if not stands(source, item[1] if item else piece)]


def misplaced(source: Source, text: str) -> list[str]:
    """What begins, is imported or is set on a line whose statement does not have it."""
    found: list[str] = []
    for label, begins, piece, happens in _PLACED.findall(text):
        item = _ITEM.fullmatch(piece)
        name = item[1] if item else piece
        if (begins or happens) and name.rpartition(".")[2] not in _bound_on(source, int(label)):
            found.append(f"`{piece}` on L{label}")
    return found


def _bound_on(source: Source, line: int) -> set[str]:
    """The names that a statement which begins on a line defines, imports or sets, and those whose items it sets."""
    found: set[str] = set()
    for number, node in enumerate(source.nodes):
        statement = source.statement_of(number)
        if statement >= 0 and source.line(statement) == line:
            found |= set(_bound(node))
    return found


def _bound(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Subscript(value=container, ctx=ast.Store()):
            yield from re.findall(r"\w+", ast.unparse(container))
        case ast.alias(name=name, asname=known):
            yield known or name.partition(".")[0]
            yield name.rpartition(".")[2]
        case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
            yield name
        case _:
            pass


def claims_on_code(programs: Comparison, text: str, shown: int) -> Iterator[Claim]:
    """What a text says of the code, line by line: the lines it blames (`shown` is that of the wrong step), the code
    that it quotes, and values that stand there without any reason."""
    blamed = {programs.line_of(change) for change in programs.changes} | {shown}
    for told in text.splitlines():
        lines = [int(number) for number in _LINE.findall(told)]
        for line in lines:
            where = ", ".join(f"L{number}" for number in sorted(blamed))
            yield Claim(f"L{line}", "line", _said(line in blamed), f"the fix changes {where}")
        for quote in _QUOTE.finditer(told):
            yield _quoted(programs, quote[1], told[: quote.start()], told[quote.end() :], lines)
        for loose in _LOOSE.findall(_LINE.sub("", _QUOTE.sub("", told))):
            yield Claim(loose, "literal", "false", "a value that nothing holds")


def _quoted(programs: Comparison, piece: str, before: str, after: str, lines: list[int]) -> Claim:
    """A piece of code: in the fixed program where it is to be put in, in the buggy one where it is wrong; or in one."""
    in_buggy = any(stands(programs.buggy, piece, line) for line in lines or [0])
    in_fixed = any(_plain(piece) in text for text in _put_in(programs, lines))
    if _NEEDED.search(before) or after.startswith(" is needed"):
        return Claim(piece, "code", _said(in_fixed), "what the fixed program has")
    if _WRONG.search(before):
        return Claim(piece, "code", _said(in_buggy), "what the line of the buggy program has")
    return Claim(piece, "code", _said(in_buggy or in_fixed), "what the programs have")


def _said(held: bool) -> Truth:
    return "true" if held else "false"


def stands(source: Source, piece: str, line: int = 0) -> bool:
    """Whether a piece of code stands in a program, or in a statement on a line; spaces and quotes do not matter."""
    wanted = _plain(piece)
    return any(wanted in text for text in _texts(source, line))


def _texts(source: Source, line: int) -> Iterator[str]:
    """The text of a program, or of the statements on a line, as it is written and as it could be."""
    if not line:
        yield from (_plain(source.code), _plain(ast.unparse(source.tree)))
    for number, node in enumerate(source.nodes):
        if isinstance(node, ast.stmt) and source.line(number) <= line <= _head_end(source, number):
            head = source.lines[source.line(number) - 1 : _head_end(source, number)]
            spelled = ast.unparse(node)
            yield _plain("\n".join(head))
            yield _plain(spelled.split("\n")[0] if hasattr(node, "body") else spelled)


def _head_end(source: Source, statement: int) -> int:
    """The last line of a statement, its body left out."""
    body: list[ast.stmt] = getattr(source.nodes[statement], "body", [])
    first = source.line(source.id_of(body[0])) if body else 0
    return max(source.line(statement), first - 1) if body else source.end_line(statement)


def _put_in(programs: Comparison, lines: list[int]) -> Iterator[str]:
    """What the changes on the lines put in, as text; without a line, the whole fixed program."""
    fixed = programs.fixed
    if not lines:
        yield from _texts(fixed, 0)
    for change in programs.changes:
        if change.new >= 0 and programs.line_of(change) in lines:
            statement = fixed.statement_of(change.new)
            whole = fixed.parent(statement) if change.place == "else" else statement
            yield from (_plain(fixed.text(whole)), _plain(ast.unparse(fixed.nodes[whole])))


def _plain(text: str) -> str:
    """Code without what may be written one way or another."""
    return re.sub(r"\s+", "", text).replace('"', "'")
