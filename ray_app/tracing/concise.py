"""The concise rendering: what ran, line by line in the order of execution, with only what changed.

    call f at L1: n = 2
    L2: total = 0
    L3: i = 0
    L4
      call g at L7: x = 0
      L8: return 0
    L4: total = 0
    ...
    L5: return 1
One row per event that closes a line, and one per call; two spaces per nested frame. A line that called another function
appears twice: as it begins, and with its effect. `unbound` tells a name that was deleted; `cut` in the last row, that
the trace is truncated.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ray_app.tracing.inline import one_line
from ray_app.tracing.model import Event, Trace

_ROW = re.compile(
    r"(?P<indent>(?:  )*)(?:(?P<entry>call|resume) (?P<function>\S+) at )?L(?P<line>\d+)(?:: (?P<rest>.*))?"
)
_ENDINGS = {"return": "return", "yield": "yield", "exception": "raise"}


@dataclass(frozen=True, slots=True)
class _Row:
    depth: int
    line: int
    entry: str = ""
    """The kind of an event that enters a frame, and the frame's function."""
    function: str = ""
    rest: str = ""


def concise(code: str, trace: Trace) -> str:
    """The rows of the trace; `code` is not repeated."""
    rows = [_write(row) for row in _rows(trace)]
    return "\n".join([*rows, "cut"] if trace.truncated else rows)


def check_concise(text: str, code: str, trace: Trace) -> str | None:
    """None if the text tells exactly the trace, else the first row that is wrong."""
    told = text.split("\n") if text else []
    if trace.truncated != (told[-1:] == ["cut"]):
        return "the end of the trace is told wrongly"
    true = list(_rows(trace))
    told = told[:-1] if trace.truncated else told
    for number, (row, expected) in enumerate(zip(told, true, strict=False), 1):
        if _parse(row) != expected:
            return f"row {number} tells {row.strip()!r} instead of {_write(expected).strip()!r}"
    return None if len(told) == len(true) else f"{len(told)} rows instead of {len(true)}"


def _rows(trace: Trace) -> Iterator[_Row]:
    running: dict[int, int] = {}
    """The line that each frame is in."""
    begun: dict[int, bool] = {}
    """Whether a row has already said that this line began."""
    for index, event in enumerate(trace.events):
        if event.kind in ("call", "resume"):
            caller = _interrupted(trace, index)
            if caller is not None and caller.frame in running and not begun.get(caller.frame):
                yield _Row(caller.depth, running[caller.frame])
                begun[caller.frame] = True
            yield _Row(event.depth, event.line, event.kind, event.function, _effect(event))
            running.pop(event.frame, None)
            continue
        line = running.pop(event.frame, None)
        rest = _effect(event)
        if line is not None and not (event.kind == "line" and begun.get(event.frame) and not rest):
            yield _Row(event.depth, line, rest=rest)
        elif event.kind != "line":
            yield _Row(event.depth, event.line, rest=rest)
        begun[event.frame] = False
        if event.kind == "line":
            running[event.frame] = event.line


def _interrupted(trace: Trace, index: int) -> Event | None:
    """The event before a call, if it belongs to the frame that calls."""
    before = trace.events[index - 1] if index else None
    return before if before is not None and before.depth < trace.events[index].depth else None


def _effect(event: Event) -> str:
    texts = [
        f"{change.name} unbound" if change.value is None else f"{change.name} = {one_line(change.value)}"
        for change in event.changes
    ]
    if event.kind in _ENDINGS:
        texts.append(f"{_ENDINGS[event.kind]} {one_line(event.value or '')}")
    return "; ".join(texts)


def _write(row: _Row) -> str:
    entry = f"{row.entry} {row.function} at " if row.entry else ""
    return f"{'  ' * row.depth}{entry}L{row.line}{': ' + row.rest if row.rest else ''}"


def _parse(row: str) -> _Row | None:
    found = _ROW.fullmatch(row)
    if found is None:
        return None
    depth, line = len(found["indent"]) // 2, int(found["line"])
    return _Row(depth, line, found["entry"] or "", found["function"] or "", found["rest"] or "")
