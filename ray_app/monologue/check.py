"""One claim against one moment of a timeline: true, false, or None where it cannot be told.

Every check returns the evidence in words: what the trace shows at that place.
"""

import ast
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ray_app.monologue.answer import kind_of
from ray_app.monologue.claim import Claim
from ray_app.monologue.evaluate import Unknown, names_in, parse_expression, parse_value, same, show
from ray_app.monologue.quotes import normal, quotes
from ray_app.monologue.timeline import Frame, LoopRun, Moment, Timeline


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on a claim at a place; `covers` are the (moment, variable) changes that a true claim tells."""

    holds: bool | None
    evidence: str
    covers: frozenset[tuple[int, str]] = field(default_factory=frozenset[tuple[int, str]])


def check(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """The claim at the moment: just before the statement, or just after it, as the kind of claim asks."""
    return _CHECKS[claim.kind](timeline, claim, moment)


def equal(text: str, value: str) -> bool:
    """Whether two canonical texts stand for the same value; 2 and 2.0 count as the same number, 1 and True do not."""
    if text == value:
        return True
    try:
        one, other = parse_value(text), parse_value(value)
    except Unknown:
        return _squeezed(text) == _squeezed(value)
    if (
        isinstance(one, (int, float))
        and isinstance(other, (int, float))
        and not isinstance(one, bool)
        and not isinstance(other, bool)
    ):
        return one == other
    return same(one, other)


def _squeezed(text: str) -> str:
    try:
        return ast.unparse(ast.parse(text, mode="eval"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text


def place(moment: Moment) -> str:
    """Where a moment is, for evidence."""
    where = f"L{moment.line}"
    if moment.visit > 1 or moment.iterations:
        where += f" visit {moment.visit}"
    if moment.depth:
        where += f" in {moment.function} (depth {moment.depth})"
    return where


def origin(timeline: Timeline, name: str, frame: int, event: int) -> Moment | None:
    """The moment that gave the variable the value it has at an event."""
    found = None
    for span in timeline.spans.get(name, ()):
        if span.frame == frame and span.start <= event:
            found = span.moment
        elif span.start > event:
            break
    return found


def child_frames(timeline: Timeline, moment: Moment) -> Iterator[Frame]:
    """The frames that the moment's statement called directly."""
    return (frame for frame in timeline.frames.values() if frame.parent is moment)


def run_around(timeline: Timeline, moment: Moment, line: int = 0) -> LoopRun | None:
    """The run of the loop at `line` (else: of the innermost loop) that holds the moment, its exit included."""
    inside = [
        run
        for run in timeline.runs
        if run.frame == moment.frame and run.start <= moment.start <= run.end and (not line or run.line == line)
    ]
    own = [run for run in inside if run.line == moment.line]
    return own[-1] if own else (inside[-1] if inside else None)


def _line(_timeline: Timeline, _claim: Claim, moment: Moment) -> Finding:
    return Finding(True, f"{place(moment)} runs")


def _code(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    if quotes(timeline.source.code, claim.subject, moment.line):
        return Finding(True, f"L{moment.line}: {timeline.source.text(moment.line)}")
    spelled = re.search(r"\[(?:\d+|'[^']*')\]$", claim.subject)
    if not spelled and quotes(timeline.source.code, claim.subject, 0):
        return Finding(False, f"this code is not on L{moment.line}: {timeline.source.text(moment.line)}")
    return Finding(None, "not code of the program")


def _value(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    name, value = claim.subject, claim.value
    before, change = moment.before.get(name), next((c for c in moment.changes if c.name == name), None)
    after = change.value if change is not None else before
    shown = f"after {place(moment)} {name} = {after}"
    if before is None and after is None:
        return Finding(False, f"{name} has no value at {place(moment)}")
    covers = _covering(timeline, name, moment, moment.end)
    if claim.how.startswith("from:"):
        hit = change is not None and after is not None and equal(before or "", claim.how[5:]) and equal(after, value)
        return Finding(hit, f"at {place(moment)} {name} goes from {before} to {after}", covers if hit else frozenset())
    if claim.how == "not":
        return Finding(not any(v is not None and equal(v, value) for v in (before, after)), shown)
    if claim.how == "before":
        return Finding(before is not None and equal(before, value), f"before {place(moment)} {name} = {before}")
    hit = after is not None and equal(after, value)
    if claim.how == "first" and isinstance(timeline.source.statements.get(moment.line), ast.AugAssign):
        return Finding(False, f"{place(moment)} adds to {name}, which has a value")
    if claim.how in ("change", "first"):
        return Finding(
            hit and (change is not None or stores(timeline, moment, name)), shown, covers if hit else frozenset()
        )
    if hit:
        return Finding(True, shown, covers)
    begins = moment.line in timeline.source.loops and name in timeline.source.loops[moment.line].targets
    if claim.how in ("state", "past") and not begins and before is not None and equal(before, value):
        return Finding(
            True, f"before {place(moment)} {name} = {before}", _covering(timeline, name, moment, moment.start)
        )
    return Finding(False, shown)


def _covering(timeline: Timeline, name: str, moment: Moment, event: int) -> frozenset[tuple[int, str]]:
    made = origin(timeline, name, moment.frame, event)
    return frozenset({(made.index, name)}) if made is not None else frozenset()


def stores(timeline: Timeline, moment: Moment, name: str) -> bool:
    """Whether the moment's statement assigns the name, be it the value it had before."""
    statement = timeline.source.statements.get(moment.line)
    return statement is not None and name in _stored(statement)


@functools.lru_cache(maxsize=4_096)
def _stored(statement: ast.stmt) -> frozenset[str]:
    """The names that a statement may assign or mutate; of a loop, its own targets."""
    if isinstance(statement, (ast.If, ast.While, ast.FunctionDef, ast.ClassDef, ast.Try)):
        return frozenset()
    found: set[str] = set()
    for part in ast.walk(statement.target if isinstance(statement, ast.For) else statement):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.add(part.id)
        owner = part.value if isinstance(part, (ast.Attribute, ast.Subscript)) else None
        written = isinstance(getattr(part, "ctx", None), ast.Store) or isinstance(statement, ast.Expr)
        if written and isinstance(owner, ast.Name):
            found.add(owner.id)
    return frozenset(found)


def _expression(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    wanted = claim.value
    quoted = claim.how != "change" and quotes(timeline.source.code, claim.subject, moment.line)
    seen: list[str] = []
    states = [("before", moment.before), ("after", moment.after())]
    if claim.how in ("change", "end") or _renewed(timeline, claim, moment):
        states = states[1:]
    for when, state in states:
        try:
            found = timeline.value(claim.subject, state)
        except Unknown:
            continue
        shown = show(bool(found)) if claim.how == "truth" else show(found)
        if equal(shown, wanted) and (claim.how != "change" or _touches(timeline, claim.subject, moment)):
            return Finding(True, f"{when} {place(moment)} {claim.subject} is {shown}")
        if quoted:
            return Finding(False, f"{when} {place(moment)} {claim.subject} is {shown}")
        seen.append(f"{when} {place(moment)} {claim.subject} is {shown}")
    if seen:
        return Finding(False, seen[0])
    return _called_value(timeline, claim, moment) or _test_outcome(timeline, claim, moment)


def _renewed(timeline: Timeline, claim: Claim, moment: Moment) -> bool:
    """Whether the expression reads what the moment has just set, so that only its new value can be meant."""
    if claim.line or quotes(timeline.source.code, claim.subject, moment.line):
        return False
    names = set(names_in(parse_expression(claim.subject)))
    loop = timeline.source.loops.get(moment.line)
    if loop is not None and names & set(loop.targets):
        return True
    return any(change.name in names for change in moment.changes)


def _touches(timeline: Timeline, expression: str, moment: Moment) -> bool:
    """Whether the moment changes, or writes again, a variable that the expression reads."""
    names = names_in(parse_expression(expression))
    return any(change.name in names for change in moment.changes) or any(
        stores(timeline, moment, name) for name in names
    )


def _called_value(timeline: Timeline, claim: Claim, moment: Moment) -> Finding | None:
    """A call of a program function, by the frames that the statement called, or the entry call itself."""
    entry = timeline.frames[0]
    if moment.frame == 0 and matches_call(timeline, claim.subject, entry, {}):
        return Finding(
            entry.returned is not None and equal(entry.returned, claim.value), f"the call returns {entry.returned}"
        )
    called = [f for f in child_frames(timeline, moment) if matches_call(timeline, claim.subject, f, moment.before)]
    returned = [frame.returned or "nothing" for frame in called]
    hit = any(frame.returned is not None and equal(frame.returned, claim.value) for frame in called)
    return Finding(hit, f"{claim.subject} called at {place(moment)} returns {', '.join(returned)}") if called else None


def _test_outcome(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    branch, loop = timeline.source.branches.get(moment.line), timeline.source.loops.get(moment.line)
    test = branch.test if branch else (loop.subject if loop and loop.kind == "while" else None)
    if (
        test is not None
        and moment.outcome is not None
        and claim.value in ("True", "False")
        and normal(test) == normal(claim.subject)
    ):
        return Finding(str(moment.outcome) == claim.value, f"the test at {place(moment)} is {moment.outcome}")
    return Finding(None, "cannot be told from the trace")


def matches_call(timeline: Timeline, call: str, frame: Frame, state: dict[str, str]) -> bool:
    """Whether a frame is the call that an expression spells: same function, same arguments where these are known."""
    try:
        node = parse_expression(call)
    except Unknown:
        return False
    if not isinstance(node, ast.Call):
        return False
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if frame.function.split(".")[-1] != name:
        return False
    definition = timeline.source.function(frame.function)
    unspoken = [argument.value for argument in node.args if isinstance(argument, ast.Constant)] == [...]
    if definition is None or (unspoken and len(node.args) == 1):
        return True
    names = [argument.arg for argument in (*definition.args.posonlyargs, *definition.args.args)]
    if isinstance(node.func, ast.Attribute) and names[:1] == ["self"]:
        names = names[1:]
    given = [*zip(names, node.args, strict=False), *((k.arg, k.value) for k in node.keywords if k.arg)]
    gathers = definition.args
    for parameter, argument in given:
        if parameter not in frame.arguments and gathers.kwarg is not None:
            continue
        try:
            if not equal(frame.arguments.get(parameter, ""), show(timeline.value(ast.unparse(argument), state))):
                return False
        except Unknown:
            continue
    return len(node.args) <= len(names) or gathers.vararg is not None


def _element(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    statement = timeline.source.text(moment.line)
    for state in (moment.before, moment.after()):
        for name in state:
            try:
                if equal(show(timeline.value(f"{name}[{claim.subject}]", state)), claim.value):
                    return Finding(True, f"at {place(moment)} {name}[{claim.subject}] is {claim.value}")
            except Unknown:
                continue
    return Finding(False, f"nothing at {place(moment)} has {claim.value} at {claim.subject}: {statement}")


def _branch(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    outcome = moment.outcome
    loop = timeline.source.loops.get(moment.line)
    if loop is not None and loop.kind == "for":
        return Finding(False, f"{place(moment)} tests nothing")
    if outcome is None:
        around = [
            branch
            for branch in timeline.source.branches.values()
            if branch.body[0] <= moment.line <= branch.body[1] or branch.orelse[0] <= moment.line <= branch.orelse[1]
        ]
        if not around or claim.how != "taken":
            return Finding(False, f"{place(moment)} is no branch")
        inner = max(around, key=lambda branch: branch.line)
        outcome = inner.body[0] <= moment.line <= inner.body[1]
    return Finding(str(outcome) == claim.value, f"the test at {place(moment)} is {outcome}")


def _skip(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    target, following = int(claim.subject), moment.following
    if following is not None and following.line == target:
        return Finding(False, f"after {place(moment)} comes L{target}")
    branch, loop = timeline.source.branches.get(moment.line), timeline.source.loops.get(moment.line)
    if branch is not None and moment.outcome is not None:
        low, high = branch.orelse if moment.outcome else branch.body
        return Finding(low <= target <= high, f"the test at {place(moment)} is {moment.outcome}")
    if loop is not None and moment.outcome is False:
        return Finding(loop.line < target <= loop.body_end, f"the loop at {place(moment)} does not go on")
    statement = timeline.source.statements.get(moment.line)
    leaving = isinstance(statement, (ast.Break, ast.Continue, ast.Return, ast.Raise))
    return Finding(leaving and target > moment.line, f"{place(moment)}: {timeline.source.text(moment.line)}")


def _next(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    following = moment.following
    statement = timeline.source.statements.get(int(claim.subject))
    target = statement.lineno if statement is not None else int(claim.subject)
    return Finding(
        following is not None and following.line == target,
        f"after {place(moment)} comes {place(following) if following else 'the end'}",
    )


def _count(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    line = int(claim.subject) if claim.subject else 0
    statement = timeline.source.statements.get(moment.line)
    leaves = isinstance(statement, (ast.Break, ast.Return)) and timeline.source.loop_of(moment.line) is not None
    if claim.line and not line and not leaves and not isinstance(statement, (ast.For, ast.While)):
        return Finding(False, f"L{moment.line} is no loop: {timeline.source.text(moment.line)}")
    run = run_around(timeline, moment, line or (claim.line if claim.line in timeline.source.loops else 0))
    if run is None:
        return Finding(False, f"no loop around {place(moment)}")
    return Finding(str(len(run.spans)) == claim.value, f"the loop on L{run.line} runs {len(run.spans)} times")


def _iteration(_timeline: Timeline, _claim: Claim, moment: Moment) -> Finding:
    return Finding(True, f"iterations {moment.iterations}")


def _call(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    called = list(child_frames(timeline, moment))
    if any(matches_call(timeline, claim.subject, frame, moment.before) for frame in called):
        return Finding(True, f"{place(moment)} calls {claim.subject}")
    own = timeline.frames[moment.frame]
    starts = moment.index == own.moments[0].index
    if starts and matches_call(timeline, claim.subject, own, {}):
        return Finding(True, f"{own.function} starts")
    entry = timeline.frames[0]
    if moment.frame == 0 and not claim.line and matches_call(timeline, claim.subject, entry, {}):
        return Finding(True, "the entry call")
    name = claim.subject.split("(")[0].split(".")[-1]
    if name not in {function.split(".")[-1] for function in timeline.source.functions}:
        return Finding(None, "not a function of the program")
    shown = ", ".join(f"{frame.function}({frame.arguments})" for frame in called) or "no function of the program"
    return Finding(False, f"{place(moment)} calls {shown}")


def _return(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    entry = timeline.frames[0]
    if claim.how == "final":
        return Finding(
            entry.returned is not None and equal(entry.returned, claim.value), f"the call returns {entry.returned}"
        )
    if claim.how == "of":
        ended = [frame for frame in child_frames(timeline, moment) if frame.function.split(".")[-1] == claim.subject]
        if moment.frame == 0 and moment.following is None and entry.function.split(".")[-1] == claim.subject:
            ended.append(entry)
        returned = [frame.returned for frame in ended]
        return Finding(
            any(v is not None and equal(v, claim.value) for v in returned), f"{claim.subject} returns {returned}"
        )
    frame = timeline.frames[moment.frame]
    if moment.end != frame.end or frame.returned is None:
        event = timeline.trace.events[moment.end] if moment.end < len(timeline.trace.events) else None
        if event is not None and event.kind == "yield" and event.value is not None:
            return Finding(equal(event.value, claim.value), f"{place(moment)} yields {event.value}")
        return Finding(False, f"{place(moment)} does not return")
    return Finding(equal(frame.returned, claim.value), f"{frame.function} returns {frame.returned} at {place(moment)}")


def _exception(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    if claim.how == "leaves":
        return _leaves(timeline, claim, moment)
    events = timeline.trace.events[moment.start : moment.end + 1]
    raised = [event.value or "" for event in events if event.kind == "exception" and event.frame == moment.frame]
    hit = any(_is_kind(claim.subject, value) for value in raised)
    return Finding(hit, f"{place(moment)} raises {', '.join(raised) or 'nothing'}")


def _leaves(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """An exception ends the moment's own call, or the call that the claim spells."""
    if not claim.value:
        frame = timeline.frames[moment.frame]
        last = moment is frame.moments[-1]
        shown = f"{frame.function} ends with {frame.raised or 'a value'}" if last else f"{place(moment)} ends no call"
        return Finding(last and _is_kind(claim.subject, frame.raised), shown)
    called = [
        frame for frame in child_frames(timeline, moment) if matches_call(timeline, claim.value, frame, moment.before)
    ]
    if moment.frame == 0 and matches_call(timeline, claim.value, timeline.frames[0], {}):
        called.append(timeline.frames[0])
    shown = ", ".join(f"{frame.function} ends with {frame.raised or 'a value'}" for frame in called)
    return Finding(
        any(_is_kind(claim.subject, frame.raised) for frame in called), shown or f"{place(moment)} makes no such call"
    )


def _is_kind(wanted: str, exception: str | None) -> bool:
    return exception is not None and kind_of(exception).lower() == wanted.lower()


def _moved(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """`added` and `removed`: one more, or one fewer, of the value in the collection (or at the end of the string)."""
    name = claim.subject
    after = moment.after()
    shown = f"{place(moment)}: {name} goes from {moment.before.get(name)} to {after.get(name)}"
    try:
        old, new, item = parse_value(moment.before[name]), parse_value(after[name]), parse_value(claim.value)
    except (Unknown, KeyError):
        return Finding(None if name in moment.before else False, shown)
    if claim.kind == "removed":
        old, new = new, old
    return Finding(
        _gained(old, new, item),
        shown,
        _covering(timeline, name, moment, moment.end) if _gained(old, new, item) else frozenset(),
    )


def _gained(old: object, new: object, item: object) -> bool:
    if isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)):
        texts_old, texts_new = [show(v) for v in old], [show(v) for v in new]
        return len(new) > len(old) and texts_new.count(show(item)) > texts_old.count(show(item))
    if isinstance(old, str) and isinstance(new, str) and isinstance(item, str):
        return len(new) == len(old) + len(item) and (new in (old + item, item + old))
    if isinstance(old, (set, frozenset, dict)) and isinstance(new, (set, frozenset, dict)):
        present = {show(v) for v in new} - {show(v) for v in old}
        return show(item) in present
    return (
        isinstance(old, (int, float))
        and isinstance(new, (int, float))
        and isinstance(item, (int, float))
        and new - old == item
    )


def _unchanged(_timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    changed = any(change.name == claim.subject for change in moment.changes)
    known = claim.subject in moment.before
    return Finding(known and not changed, f"{place(moment)} {'changes' if changed else 'leaves'} {claim.subject}")


def _final(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """The statement is the one that wrote the variable last in its frame."""
    made = [span.moment for span in timeline.spans.get(claim.subject, ()) if span.frame == moment.frame]
    last = made[-1] if made else None
    where = place(last) if last is not None else "nowhere"
    return Finding(last is not None and last.line == moment.line, f"{claim.subject} is last written at {where}")


def _anonymous(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    for change in moment.changes:
        if change.value is not None and equal(change.value, claim.value):
            return Finding(
                True,
                f"after {place(moment)} {change.name} = {change.value}",
                _covering(timeline, change.name, moment, moment.end),
            )
    if claim.how != "change":
        for name, value in moment.before.items():
            if equal(value, claim.value):
                return Finding(True, f"at {place(moment)} {name} = {value}")
        returned = timeline.frames[0].returned
        if returned is not None and equal(returned, claim.value):
            return Finding(True, f"the call returns {returned}")
    shown = ", ".join(f"{change.name} = {change.value}" for change in moment.changes) or "nothing changes"
    return Finding(False, f"after {place(moment)} {shown}")


_CHECKS: dict[str, Callable[[Timeline, Claim, Moment], Finding]] = {
    "line": _line,
    "code": _code,
    "quote": _code,
    "value": _value,
    "expression": _expression,
    "element": _element,
    "branch": _branch,
    "skip": _skip,
    "next": _next,
    "count": _count,
    "iteration": _iteration,
    "call": _call,
    "return": _return,
    "exception": _exception,
    "added": _moved,
    "removed": _moved,
    "unchanged": _unchanged,
    "final": _final,
    "anonymous": _anonymous,
}
