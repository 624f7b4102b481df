"""Why a step goes wrong, in words, read off the two versions of the code.

Code in backticks stands in one of the programs, in the buggy one at the line that the sentence names.
"""

import ast
import random

from ray_app.monologue.phrase import code
from ray_app.monologue.source import Source, read
from ray_app.repair.difference import Difference, block_of
from ray_app.repair.roles import occurrences, role
from ray_app.repair.verbs import method_instead, operator_instead

_STRICT: dict[type, type] = {ast.LtE: ast.Lt, ast.GtE: ast.Gt}
_NEGATED: dict[type, type] = {ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In}
_REVERSED: dict[type, type] = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
_AROUND = 60


def causes(changes: list[Difference], buggy: str, fixed: str, rng: random.Random) -> str:
    """What is wrong with each place that the fix changes."""
    ours, theirs = read(buggy), read(fixed)
    return "\n".join(f"{label(change)}{_cause(change, ours, theirs, rng)}." for change in changes)


def label(change: Difference) -> str:
    """The line of a change, as a text names it; "" for the end of the program."""
    return f"[L{change.line}] " if change.line else ""


def beside(change: Difference, source: Source) -> str:
    """The place of a statement that is missing: "before this line", "after this loop"."""
    if change.place != "after":
        return "before this line" if change.line else "at the end"
    statement = source.statements.get(change.line)
    if isinstance(statement, (ast.For, ast.While)):
        return "after this loop"
    return "after this if statement" if isinstance(statement, ast.If) else "after this line"


def _cause(change: Difference, ours: Source, theirs: Source, rng: random.Random) -> str:
    old, new = change.old, change.new
    if old is None:
        return _missing(change, ours, theirs)
    span = code(head(old))
    if new is None:
        return f"{span or 'this statement'} should not be there"
    if isinstance(old, ast.expr) and isinstance(new, ast.expr):
        about = _which(change, old, ours)
        return f"{span or 'the expression'}{about} {_expression(old, new, change.inside, rng)}"
    if (
        isinstance(old, ast.AugAssign)
        and isinstance(new, ast.AugAssign)
        and (verbs := operator_instead(old.op, new.op))
    ):
        return f"{span} {verbs}"
    return f"{span or 'this statement'} is not what has to be done at this place"


def _which(change: Difference, old: ast.expr, ours: Source) -> str:
    """Which one of its like is meant: " in `n % 3`", ", the argument of `f(n)`,"; "" where there is no doubt."""
    inside, statement = change.inside, ours.statements.get(change.line)
    if inside is None or statement is None:
        return ""
    if occurrences(inside, old) > 1 and (told := role(old, inside)):
        return f", {told},"
    placed = isinstance(inside, ast.Subscript) or _is_range(inside)
    shifted = placed and isinstance(change.new, ast.expr) and _distance(old, change.new) in (1, -1)
    constant = _number(old) is not None or isinstance(old, ast.Constant)
    if not constant and not shifted and occurrences(statement, old) < 2:
        return ""
    around = code(head(inside))
    return f" in {around}" if around and len(around) <= _AROUND + len(code(old)) else ""


def _missing(change: Difference, ours: Source, theirs: Source) -> str:
    new = change.new
    if change.place == "around":
        return "this must not be done in every case"
    if change.place == "else":
        _, block = block_of(theirs, new) if isinstance(new, ast.stmt) else (None, [])
        if len(block) == 1 and isinstance(new, ast.If) and code(new.test):
            return f"this if statement lacks a further case: what to do when {code(new.test)}"
        return "this if statement lacks its else part"
    where = beside(change, ours)
    if isinstance(new, ast.If):
        return f"a case is missing {where}{f': what to do when {code(new.test)}' if code(new.test) else ''}"
    if isinstance(new, (ast.For, ast.While)):
        return f"a loop is missing {where}"
    return f"a {'return' if isinstance(new, ast.Return) else 'step'} is missing {where}"


def _expression(old: ast.expr, new: ast.expr, inside: ast.AST | None, rng: random.Random) -> str:
    """The predicate of a sentence about the wrong expression."""
    for rule in (_ranged, _compared, _computed, _joined, _copied, _reordered, _called, _negated):
        told = rule(old, new)
        if told:
            return told
    if told := _shifted(old, new, inside):
        return told
    if isinstance(old, ast.Name) and isinstance(new, ast.Name):
        if isinstance(inside, ast.Call) and ast.dump(inside.func) == ast.dump(old):
            verbs = method_instead(old.id, new.id)
            return verbs or f"is the wrong function here: {code(new)} is needed"
        return rng.choice((f"is read, but {code(new)} is meant", f"is the wrong variable here: {code(new)} is meant"))
    if isinstance(old, ast.Constant) and isinstance(new, ast.Constant):
        return f"is the wrong value{f'; {code(new)} is needed' if code(new) else ''}"
    if _within(old, new):
        return "is not enough by itself"
    return "does more than is needed" if _within(new, old) else "is not the expression that is needed here"


def _within(part: ast.expr, whole: ast.expr) -> bool:
    return any(ast.dump(node) == ast.dump(part) for node in ast.walk(whole) if isinstance(node, ast.expr))


def _ranged(old: ast.expr, new: ast.expr) -> str:
    """A range that begins or ends elsewhere."""
    ours, theirs = _bounds(old), _bounds(new)
    if ours is None or theirs is None or ours[2] != theirs[2]:
        return ""
    starts, stops = _distance(ours[0], theirs[0]), _distance(ours[1], theirs[1])
    if starts and stops == 0:
        return f"begins too {'late' if starts * ours[2] > 0 else 'early'}"
    return f"ends too {'late' if stops * ours[2] > 0 else 'early'}" if stops and starts == 0 else ""


def _is_range(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"


def _bounds(node: ast.expr) -> tuple[ast.expr, ast.expr, int] | None:
    """The first two bounds of a range, and the number that it steps by."""
    if not isinstance(node, ast.Call) or not _is_range(node):
        return None
    if len(node.args) == 1:
        return ast.Constant(0), node.args[0], 1
    step = _number(node.args[2]) if len(node.args) == 3 else 1
    return (node.args[0], node.args[1], step) if len(node.args) in (2, 3) and step else None


def _number(node: ast.expr) -> int | None:
    """The integer that an expression spells, be it negative."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None


def _distance(old: ast.expr, new: ast.expr) -> int | None:
    """How much higher an expression is than another that differs by a constant; None where that cannot be told."""
    ours, theirs = _offset(old), _offset(new)
    return ours[1] - theirs[1] if ours[0] == theirs[0] else None


def _compared(old: ast.expr, new: ast.expr) -> str:
    if not (isinstance(old, ast.Compare) and isinstance(new, ast.Compare) and len(old.ops) == len(new.ops) == 1):
        return ""
    a, b = type(old.ops[0]), type(new.ops[0])
    if a is b:
        ours, theirs = ([ast.dump(side) for side in (node.left, *node.comparators)] for node in (old, new))
        return "has its two sides the wrong way round" if ours == theirs[::-1] else "compares the wrong things"
    if _STRICT.get(b) is a:
        return "leaves out the case in which both sides are equal"
    if _STRICT.get(a) is b:
        return "also lets the case through in which both sides are equal"
    if _NEGATED.get(a) is b:
        return "tests for the opposite of what is needed"
    if _REVERSED.get(a) is b:
        return "compares the wrong way round"
    return "compares the wrong way"


def _computed(old: ast.expr, new: ast.expr) -> str:
    if not (isinstance(old, ast.BinOp) and isinstance(new, ast.BinOp)) or type(old.op) is type(new.op):
        return ""
    if ast.dump(old.left) != ast.dump(new.left) or ast.dump(old.right) != ast.dump(new.right):
        return ""
    return operator_instead(old.op, new.op)


def _joined(old: ast.expr, new: ast.expr) -> str:
    if isinstance(old, ast.BoolOp) and isinstance(new, ast.BoolOp) and type(old.op) is not type(new.op):
        if isinstance(old.op, ast.Or):
            return "is content with one of its conditions, where all of them are needed"
        return "asks for all of its conditions, where one of them is enough"
    ours, theirs = _conditions(old), _conditions(new)
    if ours < theirs:
        return "leaves a condition out"
    return "asks for a condition too many" if theirs < ours else ""


def _conditions(node: ast.expr) -> set[str]:
    """The conditions that `and` or `or` joins; one where nothing is joined."""
    return {ast.dump(part) for part in (node.values if isinstance(node, ast.BoolOp) else [node])}


def _negated(old: ast.expr, new: ast.expr) -> str:
    if isinstance(new, ast.UnaryOp) and isinstance(new.op, ast.Not) and ast.dump(new.operand) == ast.dump(old):
        return "tests for the opposite of what is needed: a `not` is missing"
    if isinstance(old, ast.UnaryOp) and isinstance(old.op, ast.Not) and ast.dump(old.operand) == ast.dump(new):
        return "tests for the opposite of what is needed: its `not` is too much"
    return ""


def _copied(old: ast.expr, new: ast.expr) -> str:
    if any(ast.dump(copied) == ast.dump(old) for copied in _copies(new)):
        if isinstance(new, ast.Call) and isinstance(new.func, ast.Name):
            return f"is the object itself, where a new {new.func.id} made from it is needed"
        return "makes no copy: the new name stands for the same object, so a change through one name shows in the other"
    if isinstance(old, ast.BinOp) and isinstance(old.op, ast.Mult) and isinstance(new, ast.ListComp):
        return "repeats one and the same inner list, so a change in one place shows in all"
    return ""


def _copies(node: ast.expr) -> list[ast.expr]:
    """What an expression copies."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return [node.value] if node.slice.lower is node.slice.upper is node.slice.step is None else []
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr == "copy" and not node.args:
            return [node.func.value]
        if isinstance(node.func, ast.Name) and node.func.id in ("list", "dict", "set") and len(node.args) == 1:
            return list(node.args)
    return []


def _reordered(old: ast.expr, new: ast.expr) -> str:
    if isinstance(old, ast.Call) and isinstance(new, ast.Call):
        ours, theirs = [ast.dump(a) for a in old.args], [ast.dump(a) for a in new.args]
        if ours != theirs and sorted(ours) == sorted(theirs) and ast.dump(old.func) == ast.dump(new.func):
            chained = isinstance(old.func, ast.Attribute) and isinstance(old.func.value, ast.Call)
            which = "the arguments of its last call" if chained else "its arguments"
            return f"gets {which} in the wrong order"
    if isinstance(old, (ast.List, ast.Tuple)) and type(old) is type(new):
        ours, theirs = [ast.dump(e) for e in old.elts], [ast.dump(e) for e in _elements(new)]
        return "has its elements in the wrong order" if ours != theirs and sorted(ours) == sorted(theirs) else ""
    if isinstance(old, ast.BinOp) and isinstance(new, ast.BinOp) and type(old.op) is type(new.op):
        crossed = ast.dump(old.left) == ast.dump(new.right) and ast.dump(old.right) == ast.dump(new.left)
        return "has its two sides the wrong way round" if crossed else ""
    return ""


def _elements(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, (ast.List, ast.Tuple)) else []


def _called(old: ast.expr, new: ast.expr) -> str:
    ours, theirs = (node.func if isinstance(node, ast.Call) else node for node in (old, new))
    if isinstance(ours, ast.Attribute) and isinstance(theirs, ast.Attribute) and ours.attr != theirs.attr:
        called = isinstance(old, ast.Call)
        verbs = method_instead(ours.attr, theirs.attr)
        return verbs or (f"uses the wrong method, `{ours.attr}`" if called else "is the wrong method")
    called = isinstance(old, ast.Call) and isinstance(new, ast.Call)
    if called and isinstance(ours, ast.Name) and isinstance(theirs, ast.Name) and ours.id != theirs.id:
        return method_instead(ours.id, theirs.id) or f"calls the wrong function, `{ours.id}`"
    return ""


def _shifted(old: ast.expr, new: ast.expr, inside: ast.AST | None) -> str:
    """An integer expression that is one too high or too low; of an index, which end it takes instead of which."""
    if isinstance(inside, ast.Subscript) and (_number(old), _number(new)) in ((-1, 0), (0, -1)):
        took, needed = ("last", "first") if _number(old) == -1 else ("first", "last")
        return f"takes the {took} element, where the {needed} one is needed"
    distance = _distance(old, new)
    if distance not in (1, -1):
        return ""
    return f"is too {'high' if distance > 0 else 'low'} by one{_so_range(old, new, inside)}"


def _so_range(old: ast.expr, new: ast.expr, inside: ast.AST | None) -> str:
    """What a wrong bound does to its range: ", so the range ends too early"."""
    if not isinstance(inside, ast.Call) or not _is_range(inside):
        return ""
    theirs = [new if ast.dump(a) == ast.dump(old) and a.col_offset == old.col_offset else a for a in inside.args]
    told = _ranged(inside, ast.Call(inside.func, theirs, []))
    return f", so the range {told}" if told else ""


def _offset(node: ast.expr) -> tuple[str, int]:
    """An expression as (what, plus how much): `n - 1` is ("n", -1)."""
    if (number := _number(node)) is not None:
        return "", number
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        amount = _number(node.right)
        if amount is not None:
            what, more = _offset(node.left)
            return what, more + (amount if isinstance(node.op, ast.Add) else -amount)
    return ast.unparse(node), 0


def head(node: ast.AST) -> str:
    """The first line of a node's code, without the colon that opens a body."""
    return ast.unparse(node).split("\n")[0].rstrip(":")
