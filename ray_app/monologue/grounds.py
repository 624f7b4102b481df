"""Whether a literal that no claim holds at least occurs in the run, as a whole value and never as a part of
its text.
"""

import ast
import functools
from collections.abc import Iterator
from typing import Any

from ray_app.monologue.evaluate import Unknown, literal, parse_value, show
from ray_app.monologue.timeline import Timeline
from ray_app.records import Execution


def grounded(timeline: Timeline, execution: Execution, piece: str) -> bool:
    """Whether every literal in a piece of text is a value, an element or a size in the run, or stands in the code."""
    try:
        tree = ast.parse(piece.strip().strip("`").strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    known = _known(timeline, execution.call, execution.output or "")
    try:
        if show(literal(tree.body)) in known:
            return True
    except (ValueError, TypeError):
        pass
    constants = [show(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return all(constant in known for constant in constants)


@functools.lru_cache(maxsize=4)
def _known(timeline: Timeline, call: str, output: str) -> set[str]:
    known: set[str] = {show(number) for number in range(3)}
    texts = {span.value for spans in timeline.spans.values() for span in spans}
    texts |= {event.value for event in timeline.trace.events if event.value is not None}
    texts |= {output}
    for text in texts:
        try:
            known.update(_parts(parse_value(text)))
        except Unknown:
            known.add(text)
    for tree in (timeline.source.tree, ast.parse(call, mode="eval")):
        known |= {show(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    counts = [len(run.spans) for run in timeline.runs] + [moment.visit for moment in timeline.moments]
    known |= {str(number) for number in range(1, max(counts, default=0) + 1)}
    return known | {str(number) for number in range(1, len(timeline.source.lines) + 1)}


def _parts(value: Any, depth: int = 0) -> Iterator[str]:
    yield show(value)
    if isinstance(value, (str, list, tuple, dict, set, frozenset)):
        yield str(len(value))
    if depth > 4:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _parts(key, depth + 1)
            yield from _parts(item, depth + 1)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _parts(item, depth + 1)
    elif isinstance(value, str) and len(value) > 1:
        yield from (show(character) for character in set(value))
        yield from (show(word) for word in value.split())
