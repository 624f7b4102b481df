"""Frames in the form of the Code World Model's trace prediction.

    <|trace_context_start|>CODE<|frame_sep|>
    <|call_sep|>LOCALS<|action_sep|>SOURCE<|frame_sep|>
    <|line_sep|>LOCALS<|action_sep|>SOURCE<|frame_sep|>
    <|return_sep|><|action_sep|>SOURCE<|arg_sep|>VALUE<|frame_sep|>
    <|exception_sep|><|action_sep|>SOURCE<|arg_sep|>VALUE<|frame_sep|>
(without the line breaks). LOCALS is a JSON object of canonical texts, ".." for a variable that is as the frame last
showed it; VALUE a JSON string; SOURCE the line of code with its break; the entry's line is marked
`# << START_OF_TRACE` in the code. A `yield` is a return frame and a resumption a call frame. A truncated trace simply
ends.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from ray_app.tracing.model import Event, Trace

_MARK = "  # << START_OF_TRACE"
_START, _FRAME = "<|trace_context_start|>", "<|frame_sep|>"
_TAGS = {
    "call": "call",
    "resume": "call",
    "line": "line",
    "return": "return",
    "yield": "return",
    "exception": "exception",
}
_PARSED = re.compile(
    r"<\|(?P<tag>call|line|return|exception)_sep\|>(?P<locals>.*?)<\|action_sep\|>(?P<source>.*?)"
    r"(?:<\|arg_sep\|>(?P<value>.*))?",
    re.DOTALL,
)


def cwm(code: str, trace: Trace) -> str:
    """Prompt and frames in one text: the context, then one frame per event."""
    frames: list[str] = []
    shown: dict[int, dict[str, str]] = {}
    for event, variables in _with_variables(trace):
        source, tag = _source(code, event.line), f"<|{_TAGS[event.kind]}_sep|>"
        if event.kind in ("return", "yield", "exception"):
            frames.append(f"{tag}<|action_sep|>{source}<|arg_sep|>{json.dumps(event.value)}")
            continue
        last = shown.get(event.frame, {})
        local = {name: ".." if last.get(name) == value else value for name, value in variables.items()}
        shown[event.frame] = variables
        frames.append(f"{tag}{json.dumps(local, ensure_ascii=False)}<|action_sep|>{source}")
    return _FRAME.join([_START + _context(code, trace), *frames, ""])


def check_cwm(text: str, code: str, trace: Trace) -> str | None:
    """None if every frame's kind, source, locals (".." resolved) and value are the trace's, else what is wrong."""
    context, *frames = text.split(_FRAME)
    if context != _START + _context(code, trace):
        return "the context is not the program"
    if not frames or frames.pop() != "":
        return "the last frame does not end"
    if len(frames) != len(trace.events):
        return f"{len(frames)} frames instead of {len(trace.events)}"
    shown: dict[int, dict[str, str]] = {}
    for number, (frame, (event, variables)) in enumerate(zip(frames, _with_variables(trace), strict=True), 1):
        wrong = _frame_error(frame, code, event, variables, shown)
        if wrong is not None:
            return f"frame {number}: {wrong}"
    return None


def _frame_error(
    frame: str, code: str, event: Event, variables: dict[str, str], shown: dict[int, dict[str, str]]
) -> str | None:
    parsed = _PARSED.fullmatch(frame)
    if parsed is None:
        return "not a frame"
    if parsed["tag"] != _TAGS[event.kind]:
        return f"{parsed['tag']} instead of {event.kind}"
    if parsed["source"] != _source(code, event.line):
        return f"the source is not line {event.line}"
    try:
        if event.kind in ("return", "yield", "exception"):
            right = parsed["value"] is not None and json.loads(parsed["value"]) == event.value
            return None if right else f"the value is not {event.value}"
        told = json.loads(parsed["locals"])
    except json.JSONDecodeError:
        return "not JSON"
    last = shown.get(event.frame, {})
    resolved = _resolved(told, last)
    shown[event.frame] = variables
    return None if resolved == variables else f"the locals are not {variables}"


def _resolved(told: Any, last: dict[str, str]) -> dict[str, str | None] | None:
    if not isinstance(told, dict):
        return None
    items = cast("dict[str, Any]", told).items()
    return {name: last.get(name) if value == ".." else value for name, value in items}


def _with_variables(trace: Trace) -> Iterator[tuple[Event, dict[str, str]]]:
    """Each event with the variables of its frame at that moment."""
    frames: dict[int, dict[str, str]] = {}
    for event in trace.events:
        variables = dict(frames.get(event.frame, {}))
        for change in event.changes:
            if change.value is None:
                variables.pop(change.name, None)
            else:
                variables[change.name] = change.value
        frames[event.frame] = variables
        yield event, variables


def _source(code: str, line: int) -> str:
    rows = code.split("\n")
    return rows[line - 1] + "\n" if 0 < line <= len(rows) else "\n"


def _context(code: str, trace: Trace) -> str:
    rows = code.split("\n")
    entry = trace.events[0].line if trace.events else 0
    return "\n".join(row + _MARK if number == entry else row for number, row in enumerate(rows, 1))
