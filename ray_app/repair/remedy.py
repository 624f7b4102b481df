"""What a fix does, in words: one expression in place of another, statements put in or taken out, and what that gives.

Code in backticks stands in one of the programs, in the fixed one where it is to be put in.
"""

import ast

from ray_app.monologue.phrase import code, known, listed
from ray_app.monologue.source import Source, read
from ray_app.monologue.timeline import Moment, Timeline
from ray_app.repair.cause import beside, head, label
from ray_app.repair.difference import Difference, block_of

_LONG = 140
_SHORT = 60
_MOST = 4
_FURTHER = "a further case: "


def fixes(changes: list[Difference], fixed: str, timeline: Timeline, wrong: Moment) -> str:
    """What each change does, by whole lines of the fixed program, and what it gives at the wrong step."""
    theirs = read(fixed)
    told = [f"{_fix(change, timeline.source, theirs)}.{_gives(change, timeline, wrong)}" for change in changes]
    return "\n".join(label(change) + words for change, words in zip(changes, told, strict=True))


def _gives(change: Difference, timeline: Timeline, wrong: Moment) -> str:
    """The values of the wrong and the right expression in the state of the wrong step, where they differ and the
    wrong step has not told them already."""
    if change.line != wrong.line or not (isinstance(change.old, ast.expr) and isinstance(change.new, ast.expr)):
        return ""
    statement = timeline.source.statements.get(change.line)
    whole = next((part for name in ("value", "test") if (part := getattr(statement, name, None)) is not None), None)
    if whole is not None and not isinstance(statement, ast.AugAssign) and ast.dump(whole) == ast.dump(change.old):
        return ""
    values = [known(timeline, node, wrong.before) for node in (change.new, change.old)]
    told = [
        f"{span} is {value}"
        for node, value in zip((change.new, change.old), values, strict=True)
        if value is not None and len(value) <= _SHORT and not isinstance(node, ast.Constant) and (span := code(node))
    ]
    return f" Before the wrong step {' and '.join(told)}." if len(told) == 2 and values[0] != values[1] else ""


def _fix(change: Difference, ours: Source, theirs: Source) -> str:
    if change.new is None:
        lines = ast.unparse(change.old).split("\n") if change.old is not None else []
        span = code(lines[0]) if lines else ""
        return f"Take {span or 'this line'} out{', with all that is in it' if len(lines) > 1 else ''}"
    if change.old is None and isinstance(change.new, ast.stmt):
        if change.place == "around":
            return f"Put this line inside {_header(change.new, theirs) or 'the statement that is missing'}"
        if change.place == "else":
            return f"Give this if statement {_otherwise(block_of(theirs, change.new)[1], theirs)}"
        where = beside(change, ours)
        return f"{where[0].upper()}{where[1:]} put {_held(change.new, theirs)}"
    return _exchange(change, theirs)


def _exchange(change: Difference, theirs: Source) -> str:
    """One piece of code in place of another, and how the line reads then."""
    statement = theirs.statements.get(change.fixed_line)
    text = _header(statement, theirs) if statement is not None else ""
    what = "line" if code(theirs.text(change.fixed_line)) == text else "statement"
    old, new = (code(head(node)) if node is not None else "" for node in (change.old, change.new))
    if not (old and new and isinstance(change.old, ast.expr) and new != text):
        return f"The {what} has to read {text or 'as in the corrected program'}"
    reads = f", so that the {what} reads {text}" if text and len(text) <= _LONG else ""
    return f"Put {new} in place of {old}{reads}"


def _header(statement: ast.stmt, theirs: Source) -> str:
    """A statement as its line has it, the body left out; put on one line where it spans more."""
    line = theirs.text(statement.lineno)
    has_body = hasattr(statement, "body")
    last = statement.end_lineno if not has_body else statement.lineno
    alone = line.endswith(":") == has_body and ";" not in line and "#" not in line
    if last == statement.lineno and alone and (has_body or not line.startswith(("else:", "elif ", "if "))):
        return code(line)
    return code(head(statement) + (":" if has_body else ""))


def _held(statement: ast.stmt, theirs: Source) -> str:
    """A statement with all that is in it: "`if n < 0:` with `return 0` in it"."""
    first = _header(statement, theirs) or "the missing statement"
    body: list[ast.stmt] = getattr(statement, "body", [])
    if not body:
        return first
    orelse: list[ast.stmt] = getattr(statement, "orelse", [])
    told = [_held(inner, theirs) for inner in body]
    simple = [not hasattr(inner, "body") for inner in body]
    if len(body) > _MOST or not all(simple[:-1]) or (not simple[-1] and len(body) > 1 and orelse):
        return f"{first} with all that belongs to it"
    if all(simple):
        inside = f"{first} with {listed(told)} in it"
    else:
        before = f"{', '.join(told[:-1])} and then " if told[:-1] else ""
        inside = f"{first}, and in it {before}{told[-1]}"
    if not orelse or not isinstance(statement, ast.If):
        return inside
    otherwise = _otherwise(orelse, theirs)
    return f"{inside}, {'then' if otherwise.startswith(_FURTHER) else 'and'} {otherwise}"


def _otherwise(block: list[ast.stmt], theirs: Source) -> str:
    """The `else` part of an `if`, which may be a further case."""
    first = block[0]
    if len(block) == 1 and isinstance(first, ast.If) and theirs.text(first.lineno).startswith("elif"):
        return f"{_FURTHER}{_held(first, theirs)}"
    told = [_held(statement, theirs) for statement in block]
    if len(block) > _MOST or any(hasattr(statement, "body") for statement in block[:-1]):
        return "the else part of the corrected program"
    return f"an else part with {listed(told)} in it"
