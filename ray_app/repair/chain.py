"""What in a run made a step do what it did: the steps whose effects it depends on, by the record alone."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ray_app.semantics.record import Run, Step


def leading_to(run: Run, ends: Iterable[Step]) -> frozenset[int]:
    """The indices of the steps that some of `ends` depend on, directly or through others, and of these themselves.

    A step depends on the last ones that wrote what it reads, on what decided that it is reached, and on the calls that
    it makes. What would have happened on a path that was not taken is not in it.
    """
    writes = _Writes(run)
    found: set[int] = set()
    waiting = [step.index for step in ends]
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting += _needs(run, run.steps[index], writes)
    return frozenset(found)


@dataclass(slots=True)
class _Writes:
    """Who wrote which name, in the order of time."""

    run: Run
    by_name: dict[tuple[int, str], list[int]] = field(default_factory=dict[tuple[int, str], list[int]])

    def __post_init__(self) -> None:
        for step in self.run.steps:
            for name in _written(step):
                self.by_name.setdefault((step.frame, name), []).append(step.index)

    def last(self, step: Step, name: str) -> int | None:
        """The last step of the same frame before this one that wrote a name."""
        earlier = [index for index in self.by_name.get((step.frame, name), ()) if index < step.index]
        return earlier[-1] if earlier else None


def _written(step: Step) -> set[str]:
    return {change.name for change in step.changes} | {name for name, _ in step.bound}


def _needs(run: Run, step: Step, writes: _Writes) -> Iterator[int]:
    """The steps that one depends on directly."""
    caller = run.frame_of(step).caller
    for name in _read(run, step):
        wrote = writes.last(step, name)
        # What the frame did not write came in by its call, as an argument or from around it.
        source = caller if wrote is None else wrote
        if source is not None:
            yield source
    yield from _deciding(run, step)
    for frame in run.callees(step):
        yield from frame.steps[-1:]


def _read(run: Run, step: Step) -> set[str]:
    """The names that a step reads. What is changed rather than set anew was read, too."""
    nodes = (run.source.nodes[run.evaluations[index].node] for index in step.evaluations)
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    statement = run.source.nodes[step.node]
    is_set = isinstance(statement, ast.Assign) and all(isinstance(target, ast.Name) for target in statement.targets)
    return names if is_set else names | _written(step)


def _deciding(run: Run, step: Step) -> Iterator[int]:
    """The last steps of the statements around one, in its frame: tests, cases and loops that led there."""
    around = {*run.source.ancestors(step.node), step.node}
    last: dict[int, int] = {}
    for index in run.frame_of(step).steps:
        if index >= step.index:
            break
        last[run.steps[index].node] = index
    yield from (index for node, index in last.items() if node in around and _is_compound(run, node))


def _is_compound(run: Run, node: int) -> bool:
    return hasattr(run.source.nodes[node], "body")
