"""Checks of what is said about values: of variables, expressions and elements, and how a statement changes them."""

import ast

from ray_app.monologue.claim import Claim
from ray_app.monologue.evaluate import Unknown, names_in, parse_expression, parse_value, show
from ray_app.monologue.finding import Finding, child_frames, covering, equal, matches_call, place, stores
from ray_app.monologue.quotes import normal, quotes
from ray_app.monologue.timeline import Moment, Timeline


def check_value(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """A variable has, gets, had or has not a value."""
    name, value = claim.subject, claim.value
    before, change = moment.before.get(name), next((c for c in moment.changes if c.name == name), None)
    after = change.value if change is not None else before
    if before is None and after is None:
        before = after = timeline.source.constants.get(name)
    shown = f"after {place(moment)} {name} = {after}"
    if before is None and after is None:
        return Finding(False, f"{name} has no value at {place(moment)}")
    covers = covering(timeline, name, moment, moment.end)
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
            True, f"before {place(moment)} {name} = {before}", covering(timeline, name, moment, moment.start)
        )
    return Finding(False, shown)


def check_expression(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """An expression has a value, before or after the statement."""
    wanted = claim.value
    try:
        parse_expression(claim.subject)
    except Unknown:
        return Finding(None, "this is no expression")
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
    if not called and not _is_own_call(timeline, claim.subject):
        return None
    return Finding(hit, f"{claim.subject} called at {place(moment)} returns {', '.join(returned) or 'nothing'}")


def _is_own_call(timeline: Timeline, expression: str) -> bool:
    """Whether an expression is a plain call of a function of the program, which leaves a frame where it is made."""
    node = parse_expression(expression)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in timeline.source.functions


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


def check_element(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """Some value has this element at this index."""
    statement = timeline.source.text(moment.line)
    for state in (moment.before, moment.after()):
        for name in state:
            try:
                if equal(show(timeline.value(f"{name}[{claim.subject}]", state)), claim.value):
                    return Finding(True, f"at {place(moment)} {name}[{claim.subject}] is {claim.value}")
            except Unknown:
                continue
    return Finding(False, f"nothing at {place(moment)} has {claim.value} at {claim.subject}: {statement}")


def check_moved(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
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
        covering(timeline, name, moment, moment.end) if _gained(old, new, item) else frozenset(),
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


def check_unchanged(_timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """The statement leaves a variable as it was."""
    changed = any(change.name == claim.subject for change in moment.changes)
    known = claim.subject in moment.before
    return Finding(known and not changed, f"{place(moment)} {'changes' if changed else 'leaves'} {claim.subject}")


def check_final(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """The statement is the one that wrote the variable last in its frame."""
    made = [span.moment for span in timeline.spans.get(claim.subject, ()) if span.frame == moment.frame]
    last = made[-1] if made else None
    where = place(last) if last is not None else "nowhere"
    return Finding(last is not None and last.line == moment.line, f"{claim.subject} is last written at {where}")


def check_anonymous(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """ "It becomes 3": something has, or gets, this value."""
    for change in moment.changes:
        if change.value is not None and equal(change.value, claim.value):
            return Finding(
                True,
                f"after {place(moment)} {change.name} = {change.value}",
                covering(timeline, change.name, moment, moment.end),
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
