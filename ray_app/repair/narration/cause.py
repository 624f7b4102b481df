"""What is wrong at the places that a fix changes, in words, read off the two versions of the code.

Code in backticks stands in one of the programs, in the buggy one at the line that the sentence names.
"""

import ast
from collections.abc import Sequence

from ray_app.repair.changes import Change, Comparison
from ray_app.repair.narration.naming import code, is_repeated, role
from ray_app.repair.narration.verbs import operator_instead, word_instead
from ray_app.semantics.source import Source

_KINDS: dict[type[ast.AST], str] = {ast.If: "case", ast.For: "loop", ast.While: "loop", ast.Return: "return"}
_ANCHORS: dict[type[ast.AST], str] = {ast.For: "loop", ast.While: "loop", ast.If: "if statement"}


def causes(programs: Comparison) -> str:
    """A sentence for each change."""
    return "\n".join(f"{label(programs, change)}{_cause(programs, change)}." for change in programs.changes)


def label(programs: Comparison, change: Change) -> str:
    """The line of a change, as a text names it; "" for the end of the program."""
    line = programs.line_of(change)
    return f"[L{line}] " if line else ""


def beside(programs: Comparison, change: Change) -> str:
    """The place of a statement that is missing: "before this line", "after this loop"."""
    if change.place == "before":
        return "before this line"
    return f"after this {_ANCHORS.get(type(programs.buggy.nodes[change.anchor]), 'line')}"


def is_further_case(source: Source, node: int) -> bool:
    """Whether a statement is an `elif`."""
    return source.lines[source.line(node) - 1].lstrip().startswith("elif")


def _cause(programs: Comparison, change: Change) -> str:
    if change.old < 0:
        return _missing(programs, change)
    span = code(programs.buggy, change.old)
    if change.new < 0:
        return f"{span or 'this statement'} should not be there"
    old, new = programs.buggy.nodes[change.old], programs.fixed.nodes[change.new]
    which = role(programs.buggy, change.old) if _is_doubtful(programs, change) else ""
    needed = code(programs.fixed, change.new)
    instead = f"is wrong here: {needed} is needed" if needed else "is not what is needed here"
    return f"{span or 'this'}{which} {_difference(old, new) or instead}"


def _is_doubtful(programs: Comparison, change: Change) -> bool:
    """Whether its text alone does not say which piece of code is meant."""
    old = programs.buggy.nodes[change.old]
    if isinstance(old, ast.stmt):
        return False
    return isinstance(old, ast.Constant) or is_repeated(programs.buggy, change.old)


def _missing(programs: Comparison, change: Change) -> str:
    """What is not there."""
    new = programs.fixed.nodes[change.new]
    if change.place == "around":
        return "this must not be done in every case"
    case = code(programs.fixed, programs.fixed.id_of(new.test)) if isinstance(new, ast.If) else ""
    what_to_do = f": what to do when {case}" if case else ""
    if change.place != "else":
        return f"a {_KINDS.get(type(new), 'step')} is missing {beside(programs, change)}{what_to_do}"
    if is_further_case(programs.fixed, change.new):
        return f"this if statement lacks a further case{what_to_do}"
    return "this if statement lacks its else part"


def _difference(old: ast.AST, new: ast.AST) -> str:
    """What the wrong code does instead of what is needed; "" where there is no word for it."""
    match old, new:
        case ast.Compare(left=a, ops=[x], comparators=[b]), ast.Compare(left=c, ops=[y], comparators=[d]):
            return _operated(x, y, [a, b], [c, d])
        case ast.BinOp(left=a, op=x, right=b), ast.BinOp(left=c, op=y, right=d):
            return _operated(x, y, [a, b], [c, d]) or _shifted(old, new)
        case ast.AugAssign(target=a, op=x, value=b), ast.AugAssign(target=c, op=y, value=d):
            return _operated(x, y, [a, b], [c, d])
        case ast.BoolOp(op=x, values=ours), ast.BoolOp(op=y, values=theirs):
            return _operated(x, y, ours, theirs)
        case (ast.List(elts=ours), ast.List(elts=theirs)) | (ast.Tuple(elts=ours), ast.Tuple(elts=theirs)):
            return _reordered(ours, theirs)
        case ast.Call(args=ours, func=f), ast.Call(args=theirs, func=g):
            return _reordered(ours, theirs) or _called(f, g)
        case ast.Attribute() | ast.Name(), ast.Attribute() | ast.Name():
            return _called(old, new)
        case _, ast.UnaryOp(op=ast.Not(), operand=inner) if _same([inner], [old]):
            return "tests for the opposite of what is needed: a `not` is missing"
        case ast.UnaryOp(op=ast.Not(), operand=inner), _ if _same([inner], [new]):
            return "tests for the opposite of what is needed: its `not` is too much"
        case ast.BinOp(op=ast.Mult()), ast.ListComp():
            return "repeats one and the same inner list, so a change in one place shows in all"
        case _:
            return _copied(old, new) or _shifted(old, new)


def _operated(
    x: ast.operator | ast.cmpop | ast.boolop,
    y: ast.operator | ast.cmpop | ast.boolop,
    ours: Sequence[ast.AST],
    theirs: Sequence[ast.AST],
) -> str:
    """The same operands under another operator, or the other way round."""
    if type(x) is type(y):
        return _reordered(ours, theirs)
    return operator_instead(x, y) if _same(ours, theirs) else ""


def _same(ours: Sequence[ast.AST], theirs: Sequence[ast.AST]) -> bool:
    return [ast.dump(node) for node in ours] == [ast.dump(node) for node in theirs]


def _reordered(ours: Sequence[ast.AST], theirs: Sequence[ast.AST]) -> str:
    """The same parts in another order."""
    one, other = (sorted(ast.dump(node) for node in parts) for parts in (ours, theirs))
    if one != other or _same(ours, theirs):
        return ""
    return "has its parts in the wrong order"


def _called(ours: ast.AST, theirs: ast.AST) -> str:
    """Another method or function."""
    one, other = (getattr(node, "attr", getattr(node, "id", "")) for node in (ours, theirs))
    return word_instead(one, other)


def _copied(old: ast.AST, new: ast.AST) -> str:
    """A name for the same object where a new one is needed."""
    match new:
        case ast.Subscript(value=copied, slice=ast.Slice(lower=None, upper=None, step=None)):
            pass
        case ast.Call(func=ast.Attribute(value=copied, attr="copy"), args=[]):
            pass
        case ast.Call(func=ast.Name(id="list" | "dict" | "set"), args=[copied]):
            pass
        case _:
            return ""
    shared = "makes no copy: the new name stands for the same object, so a change through one name shows in the other"
    return shared if _same([copied], [old]) else ""


def _shifted(old: ast.AST, new: ast.AST) -> str:
    """An integer that is one too high or too low."""
    (ours, more), (theirs, needed) = _offset(old), _offset(new)
    words = {1: "is too high by one", -1: "is too low by one"}
    return words.get(more - needed, "") if ours == theirs else ""


def _offset(node: ast.AST) -> tuple[str, int]:
    """An expression as (what, plus how much): `n - 1` is ("n", -1), `3` is ("", 3)."""
    match node:
        case ast.Constant(value=int(number)) if number is not True and number is not False:
            return "", number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))):
            return "", -number
        case ast.BinOp(left=what, op=ast.Add(), right=ast.Constant(value=int(number))):
            return ast.unparse(what), number
        case ast.BinOp(left=what, op=ast.Sub(), right=ast.Constant(value=int(number))):
            return ast.unparse(what), -number
        case _:
            return ast.unparse(node), 0
