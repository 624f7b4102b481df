"""What a fix does, in words: one expression in place of another, statements put in or taken out.

Code in backticks stands in one of the programs, in the fixed one where it is to be put in.
"""

import ast
from collections.abc import Sequence

from ray_app.repair.changes import Change, Comparison
from ray_app.repair.narration.cause import beside, is_further_case, label
from ray_app.repair.narration.naming import code, listed
from ray_app.semantics.source import Source

_MOST = 4


def fixes(programs: Comparison) -> str:
    """What each change does, in the order of their lines."""
    return "\n".join(f"{label(programs, change)}{_fix(programs, change)}." for change in programs.changes)


def _fix(programs: Comparison, change: Change) -> str:
    theirs = programs.fixed
    if change.new < 0:
        return _taken_out(programs, change)
    if change.old >= 0:
        return _exchange(programs, change)
    if change.place == "around":
        return f"Put this line inside {code(theirs, change.new) or 'the statement that is missing'}"
    if change.place == "else":
        return f"Give this if statement {_else_part(theirs, _else_of(programs, change))}"
    where = beside(programs, change)
    return f"{where[0].upper()}{where[1:]} put {_with_body(theirs, theirs.nodes[change.new])}"


def _else_of(programs: Comparison, change: Change) -> Sequence[ast.AST]:
    """The `else` part that the buggy program lacks."""
    owner = programs.fixed.nodes[programs.fixed.parent(change.new)]
    return owner.orelse if isinstance(owner, ast.If | ast.For | ast.While) else ()


def _taken_out(programs: Comparison, change: Change) -> str:
    span = code(programs.buggy, change.old) or "this statement"
    if change.place == "around":
        return f"Take {span} out, but keep what is in it"
    has_more = hasattr(programs.buggy.nodes[change.old], "body")
    return f"Take {span} out{', with all that is in it' if has_more else ''}"


def _exchange(programs: Comparison, change: Change) -> str:
    """One piece of code in place of another, and how the statement reads then."""
    old, new = code(programs.buggy, change.old), code(programs.fixed, change.new)
    reads = code(programs.fixed, programs.fixed.statement_of(change.new))
    is_whole = isinstance(programs.fixed.nodes[change.new], ast.stmt)
    if is_whole or not old or not new:
        return f"The line has to read {reads or 'as in the corrected program'}"
    so = f", so that the line reads {reads}" if reads and reads != new else ""
    return f"Put {new} in place of {old}{so}"


def _with_body(theirs: Source, node: ast.AST, head: str = "") -> str:
    """A statement with what is in it: "`if n < 0:` with `return 0` in it"."""
    head = head or code(theirs, theirs.id_of(node)) or "the missing statement"
    body: Sequence[ast.AST] = getattr(node, "body", ())
    orelse: Sequence[ast.AST] = getattr(node, "orelse", ())
    inside = _block(theirs, body)
    if not body:
        return head
    rest = f", and {_else_part(theirs, orelse)}" if orelse else ""
    return f"{head} with {inside} in it{rest}"


def _block(theirs: Source, block: Sequence[ast.AST]) -> str:
    """The statements of a block, listed."""
    told = [_with_body(theirs, node) for node in block]
    return listed(told) if 0 < len(told) <= _MOST else "all that the corrected program has there"


def _else_part(theirs: Source, block: Sequence[ast.AST]) -> str:
    """The `else` part of an `if`, which may be a further case."""
    first = block[0]
    if isinstance(first, ast.If) and is_further_case(theirs, theirs.id_of(first)):
        head = code(theirs, theirs.id_of(first)).replace("`if ", "`elif ", 1)
        return f"a further case: {_with_body(theirs, first, head)}"
    return f"an else part with {_block(theirs, block)} in it"
