"""Whether a text states what decides the result: the changes that the returned value was computed from.

What decides is a slice of the record, from the result back: the steps that gave it, the last change of every name
that they
read, and the tests that chose the way. Of the changes that one statement makes to one name again and again, the
first, the
last and one between must be stated.
"""

import ast
from collections.abc import Iterable

from ray_app.semantics.record import Change, Frame, Step
from ray_app.verification.align import Placed
from ray_app.verification.code import governing
from ray_app.verification.facts import Facts
from ray_app.verification.states import is_cut

_STATING = frozenset(
    ["value", "expression", "added", "removed", "deleted", "alias", "result", "iteration", "case", "property"]
)
Key = tuple[int, str]
"""A step, and a name that it changes."""


def missing(facts: Facts, placed: Iterable[Placed]) -> list[str]:
    """What of the deciding changes is not stated, in words; empty where enough is."""
    stated, values = _stated(facts, placed)
    untold = {key: change for key, change in _changes(facts) if key not in stated and not _is_implied(change, values)}
    if not untold:
        return []
    deciding = _Slice(facts).changes()
    lacking: list[str] = []
    for (node, name), visits in _grouped(facts, deciding).items():
        told = [(step, name) not in untold for step in visits]
        wanted = [0, len(visits) - 1, *([] if len(visits) < 3 or any(told[1:-1]) else [1])]
        line = facts.run.source.line(node)
        lacking += [f"{name} at L{line}, visit {at + 1}" for at in dict.fromkeys(wanted) if not told[at]]
    return lacking


def deciding_steps(facts: Facts) -> set[int]:
    """The steps that the result depends on."""
    found = _Slice(facts)
    changes = {step for step, _ in found.changes()}
    return changes | found.seen


def _stated(facts: Facts, placed: Iterable[Placed]) -> tuple[set[Key], set[str]]:
    """The changes that true claims are about, and the values that they state."""
    keys: set[Key] = set()
    values: set[str] = set()
    for item in placed:
        if item.finding.holds and item.claim.kind in _STATING:
            values |= {item.claim.value, f"{item.claim.subject} {item.claim.value}"}
            if item.spot is not None and item.spot.step is not None:
                step = item.spot.step
                names = {item.claim.subject, root_of(item.claim.subject), *(name for name, _ in step.bound)}
                keys |= {(index, name) for index in (step.index, facts.owner(step).index) for name in names}
    return keys, values


def root_of(subject: str) -> str:
    """The variable that an item or an attribute belongs to."""
    return subject.removeprefix("len(").partition("[")[0].partition(".")[0].partition(")")[0]


def _changes(facts: Facts) -> Iterable[tuple[Key, Change]]:
    """The changes that a text can state: not those to functions and classes, nor to values that the record cut."""
    nodes = facts.run.source.nodes
    for step in facts.run.steps:
        if isinstance(
            nodes[step.node], (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
        ):
            continue
        for change in step.changes:
            if change.after is not None and not change.after.startswith("<") and not is_cut(change.after):
                yield (step.index, change.name), change


def _is_implied(change: Change, values: set[str]) -> bool:
    """What a callee did is seen by its caller too: a container under another name, a variable that both see."""
    if change.scope != "local" and f"{change.name} {change.after}" in values:
        return True
    return change.after is not None and change.after in values and change.after[-1:] in "])}"


def _grouped(facts: Facts, keys: Iterable[Key]) -> dict[tuple[int, str], list[int]]:
    known = {key for key, _ in _changes(facts)}
    found: dict[tuple[int, str], list[int]] = {}
    for step, name in sorted(keys):
        if (step, name) in known:
            found.setdefault((facts.run.steps[step].node, name), []).append(step)
    return found


class _Slice:
    """What the result depends on, found backwards from the last step of the entry call."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.run = facts.run
        self.seen: set[int] = set()
        self.waiting: list[int] = []
        self.found: set[Key] = set()

    def changes(self) -> set[Key]:
        """The deciding changes."""
        self._want_end(self.run.frames[0])
        while self.waiting:
            self._follow(self.run.steps[self.waiting.pop()])
        return self.found

    def _want(self, step: int) -> None:
        if step not in self.seen:
            self.seen.add(step)
            self.waiting.append(step)

    def _want_end(self, frame: Frame) -> None:
        if frame.steps:
            self._want(frame.steps[-1])
        for step in frame.steps:  # what was yielded came out of any of them
            if frame.yields:
                self._want(step)

    def _follow(self, step: Step) -> None:
        """What a step read, what it called, and what decided that it ran."""
        for name in self._read(step):
            self._want_change(step, name)
        for callee in self.facts.callees.get(step.index, ()):
            self._want_end(callee)
        above = governing(self.run.source, step.node)
        if above is not None:
            self._want_last(step, above[0])
        for loop, _ in step.loops:
            self._want_last(step, loop)
        if step.frame and self.run.frames[step.frame].caller is not None:
            self._want(self.run.frames[step.frame].caller or 0)

    def _read(self, step: Step) -> set[str]:
        nodes = self.run.source.nodes
        names = {
            code.id
            for index in step.evaluations
            if isinstance(code := nodes[self.run.evaluations[index].node], ast.Name)
        }
        own = nodes[step.node]
        if isinstance(own, ast.AugAssign):
            names |= {part.id for part in ast.walk(own.target) if isinstance(part, ast.Name)}
        return names | {change.name for change in step.changes if change.before is not None}

    def _want_change(self, step: Step, name: str) -> None:
        """The last change of a name before a step, by whichever frame made it."""
        self.found |= {(step.index, change.name) for change in step.changes}
        for _, _, other in reversed(self.facts.history.get(name, ())):
            if other.index < step.index:
                self.found.add((other.index, name))
                self._want(other.index)
                if other.frame == step.frame:
                    break

    def _want_last(self, step: Step, node: int) -> None:
        """The last time before a step that a test or a loop's head ran in the same frame."""
        earlier = [
            other.index for other in self.run.steps_of(node) if other.frame == step.frame and other.index < step.index
        ]
        for index in earlier[-1:]:
            self._want(index)
