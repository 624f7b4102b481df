"""Why a step goes wrong and what the fix does about it, in words, read off the two versions of the code.

Code in backticks stands in the program at the line that the sentence names, before the fix or after it.
"""

import ast
import random

from ray_app.monologue.phrase import code, known, listed
from ray_app.monologue.timeline import Moment, Timeline
from ray_app.repair.difference import Difference

_VERBS: dict[type, tuple[str, str]] = {
    ast.Add: ("adds", "adding"),
    ast.Sub: ("subtracts", "subtracting"),
    ast.Mult: ("multiplies", "multiplying"),
    ast.Div: ("divides without rounding", "dividing without rounding"),
    ast.FloorDiv: ("divides and rounds down", "dividing and rounding down"),
    ast.Mod: ("takes the remainder of a division", "taking the remainder of a division"),
    ast.Pow: ("raises to a power", "raising to a power"),
    ast.BitAnd: ("keeps the bits that both sides have", "keeping the bits that both sides have"),
    ast.BitOr: ("joins the bits of both sides", "joining the bits of both sides"),
    ast.BitXor: ("keeps the bits in which the sides differ", "keeping the bits in which the sides differ"),
    ast.LShift: ("shifts the bits to the left", "shifting the bits to the left"),
    ast.RShift: ("shifts the bits to the right", "shifting the bits to the right"),
}
_STRICT: dict[type, type] = {ast.LtE: ast.Lt, ast.GtE: ast.Gt}
_NEGATED: dict[type, type] = {ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In}
_SIDES = {"find": "first", "index": "first", "rfind": "last", "rindex": "last"}


def causes(changes: list[Difference], rng: random.Random) -> str:
    """What is wrong with each place that the fix changes."""
    return "\n".join(f"{_where(change)}{_cause(change, rng)}." for change in changes)


def fixes(changes: list[Difference], fixed: str, timeline: Timeline, wrong: Moment) -> str:
    """What each change does, by whole lines of the fixed program, and what it gives at the wrong step."""
    return "\n".join(f"{_where(change)}{_fix(change, fixed)}.{_gives(change, timeline, wrong)}" for change in changes)


def _gives(change: Difference, timeline: Timeline, wrong: Moment) -> str:
    """The values of the wrong and the right expression in the state of the wrong step, where they differ."""
    if change.line != wrong.line or not (isinstance(change.old, ast.expr) and isinstance(change.new, ast.expr)):
        return ""
    values = [known(timeline, node, wrong.before) for node in (change.new, change.old)]
    told = [
        f"{span} is {value}"
        for node, value in zip((change.new, change.old), values, strict=True)
        if value is not None and len(value) <= 60 and not isinstance(node, ast.Constant) and (span := code(node))
    ]
    return f" Before the wrong step {' and '.join(told)}." if len(told) == 2 and values[0] != values[1] else ""


def _where(change: Difference) -> str:
    return f"[L{change.line}] " if change.line else ""


def _cause(change: Difference, rng: random.Random) -> str:
    old, new = change.old, change.new
    if old is None:
        return "this must not be done in every case" if change.wraps else _missing(new)
    span = code(_head(old))
    if new is None:
        return f"{span or 'this statement'} should not be there"
    if isinstance(old, ast.expr) and isinstance(new, ast.expr):
        around = code(change.inside) if isinstance(old, ast.Constant) and change.inside is not None else ""
        return (
            f"{span or 'the expression'}{f' in {around}' if around else ''} {_expression(old, new, change.inside, rng)}"
        )
    if isinstance(old, ast.AugAssign) and isinstance(new, ast.AugAssign) and (verbs := _verbs(old.op, new.op)):
        return f"{span} {verbs}"
    return f"{span or 'this statement'} is not what has to be done at this place"


def _missing(new: ast.AST | None) -> str:
    if isinstance(new, (ast.If, ast.While)):
        return "before this line a case is missing that needs a treatment of its own"
    if isinstance(new, ast.Return):
        return "before this line a `return` is missing"
    return "before this line a step is missing"


def _expression(old: ast.expr, new: ast.expr, inside: ast.AST | None, rng: random.Random) -> str:
    """The predicate of a sentence about the wrong expression."""
    for rule in (_ranged, _compared, _computed, _joined, _copied, _reordered, _called, _shifted, _negated):
        told = rule(old, new)
        if told:
            return told
    if isinstance(old, ast.Name) and isinstance(new, ast.Name):
        if isinstance(inside, ast.Call) and ast.dump(inside.func) == ast.dump(old):
            return "is the wrong function here"
        return rng.choice(("is read, but another variable is meant", "is the wrong variable here"))
    if isinstance(old, ast.Constant) and isinstance(new, ast.Constant):
        return "is the wrong value"
    if _within(old, new):
        return "is not enough by itself"
    return "does more than is needed" if _within(new, old) else "is not the expression that is needed here"


def _within(part: ast.expr, whole: ast.expr) -> bool:
    return any(ast.dump(node) == ast.dump(part) for node in ast.walk(whole) if isinstance(node, ast.expr))


def _ranged(old: ast.expr, new: ast.expr) -> str:
    """A range that begins or ends elsewhere."""
    ours, theirs = _bounds(old), _bounds(new)
    if ours is None or theirs is None:
        return ""
    starts, stops = (_distance(a, b) for a, b in zip(ours, theirs, strict=True))
    if starts and stops == 0:
        return f"begins too {'late' if starts > 0 else 'early'}"
    return f"ends too {'late' if stops > 0 else 'early'}" if stops and starts == 0 else ""


def _bounds(node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """The first two bounds of a range."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"):
        return None
    if len(node.args) == 1:
        return ast.Constant(0), node.args[0]
    return (node.args[0], node.args[1]) if len(node.args) == 2 else None


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
    return "compares the wrong way"


def _computed(old: ast.expr, new: ast.expr) -> str:
    if not (isinstance(old, ast.BinOp) and isinstance(new, ast.BinOp)) or type(old.op) is type(new.op):
        return ""
    if ast.dump(old.left) != ast.dump(new.left) or ast.dump(old.right) != ast.dump(new.right):
        return ""
    return _verbs(old.op, new.op)


def _verbs(old: ast.operator, new: ast.operator) -> str:
    wrong, right = _VERBS.get(type(old)), _VERBS.get(type(new))
    return f"{wrong[0]} instead of {right[1]}" if wrong and right and wrong != right else ""


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
            return "gives its arguments in the wrong order"
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
        if ours.attr in _SIDES and theirs.attr in _SIDES:
            return f"finds the {_SIDES[ours.attr]} place, where the {_SIDES[theirs.attr]} one is needed"
        return f"uses the wrong method, `{ours.attr}`" if isinstance(old, ast.Call) else "is the wrong method"
    called = isinstance(old, ast.Call) and isinstance(new, ast.Call)
    if called and isinstance(ours, ast.Name) and isinstance(theirs, ast.Name) and ours.id != theirs.id:
        return f"calls the wrong function, `{ours.id}`"
    return ""


def _shifted(old: ast.expr, new: ast.expr) -> str:
    """An integer expression that is one too high or too low."""
    distance = _distance(old, new)
    if distance not in (1, -1):
        return ""
    return f"is too {'high' if distance > 0 else 'low'} by one"


def _offset(node: ast.expr) -> tuple[str, int]:
    """An expression as (what, plus how much): `n - 1` is ("n", -1)."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return "", node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        amount = node.right.value if isinstance(node.right, ast.Constant) else None
        if type(amount) is int:
            return ast.unparse(node.left), amount if isinstance(node.op, ast.Add) else -amount
    return ast.unparse(node), 0


def _fix(change: Difference, fixed: str) -> str:
    lines = fixed.split("\n")
    if change.new is None:
        lines = ast.unparse(change.old).split("\n") if change.old is not None else []
        span = code(lines[0]) if lines else ""
        return f"Take {span or 'this line'} out{', with all that is in it' if len(lines) > 1 else ''}"
    text = code(lines[change.fixed_line - 1].strip()) or "the line of the corrected program"
    if change.old is None and change.wraps:
        return f"Put this line inside {text}"
    if change.old is None:
        where = "Before this line put" if change.line else "At the end put"
        return f"{where} {_block(change, lines, text)}"
    smaller = [code(_head(node)) for node in (change.old, change.new)]
    if all(smaller) and isinstance(change.old, ast.expr) and smaller[1] != text:
        return f"Put {smaller[1]} in place of {smaller[0]}, so that the line reads {text}"
    return f"The line has to read {text}"


def _block(change: Difference, lines: list[str], text: str) -> str:
    """A missing statement: with the `else:` that it needs, or with its body where that is short."""
    before = lines[change.fixed_line - 2].strip() if change.fixed_line > 1 else ""
    if before == "else:":
        return f"`else:`, and in it {text}"
    body = [code(_head(statement)) for statement in getattr(change.new, "body", [])]
    return f"{text} with {listed(body)} in it" if 0 < len(body) <= 3 and all(body) else text


def _head(node: ast.AST) -> str:
    """The first line of a node's code, without the colon that opens a body."""
    return ast.unparse(node).split("\n")[0].rstrip(":")
