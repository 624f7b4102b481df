"""Renderings that write states as comments into the code: scratchpad and NExT.

Scratchpad: behind each line, for every time that it ran, all variables of its frame afterwards.
    total += i  # [STATE] {"n": 2, "total": 0, "i": 0} [/STATE] [STATE] {"n": 2, "total": 1, "i": 1} [/STATE]
NExT (arXiv 2404.14662): only what the line changed, numbered in the order of execution; of more than three states of a
line the first two and the last are kept.
    total += i  # [STATE-4] {} [STATE-6] {"total": 1}
Values are canonical texts. Beside variables a state may hold what ended the line: "return", "yield" or "raise". The
line of a `def` holds the parameters. Where no comment can stand (inside a string, before a continuation), it stands
behind the next line where one can. Line breaks inside messages are escaped.
"""

import io
import re
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ray_app.tracing.model import Event, Trace, steps

_ENDINGS = {"return": "return", "yield": "yield", "exception": "raise"}
_SCRATCHPAD = re.compile(r"\[STATE\] (.*?) \[/STATE\](?: |$)")
_NEXT = re.compile(r"\[STATE-(\d+)\] ")
_KEPT_FIRST, _KEPT_LAST = 2, 1
_SKIPPED = " ..."


@dataclass(frozen=True, slots=True)
class State:
    """What one run of a line left behind. `variables` are all of the frame's, `changes` those that the line changed;
    either also holds what ended the line. `order` counts the states of the whole trace from 0."""

    line: int
    order: int
    variables: str
    changes: str


def scratchpad(code: str, trace: Trace) -> str:
    """The code with every state of every line behind it."""
    return _annotate(code, trace, lambda states: " ".join(f"[STATE] {state.variables} [/STATE]" for state in states))


def check_scratchpad(text: str, code: str, trace: Trace) -> str | None:
    """None if the text is this code with exactly the trace's states, else the first thing that is wrong."""

    def parse(comment: str) -> list[str]:
        return [comment] if _SCRATCHPAD.sub("", comment) else _SCRATCHPAD.findall(comment)

    return _check(text, code, trace, parse, lambda states: [state.variables for state in states])


def next_trace(code: str, trace: Trace) -> str:
    """The code with the numbered changes of each line behind it."""

    def write(states: list[State]) -> str:
        texts = [f"[STATE-{state.order}] {state.changes}" for state in _kept(states)]
        if len(texts) < len(states):
            texts[_KEPT_FIRST - 1] += _SKIPPED
        return " ".join(texts)

    return _annotate(code, trace, write)


def check_next_trace(text: str, code: str, trace: Trace) -> str | None:
    """None if the text is this code with exactly the states that NExT keeps, else the first thing that is wrong."""

    def parse(comment: str) -> list[str]:
        junk, *parts = _NEXT.split(comment)
        states = [f"{order} {state.strip(' ')}" for order, state in zip(parts[::2], parts[1::2], strict=True)]
        return [junk, *states] if junk else states

    def expected(states: list[State]) -> list[str]:
        texts = [f"{state.order} {state.changes}" for state in _kept(states)]
        if len(texts) < len(states):
            texts[_KEPT_FIRST - 1] += _SKIPPED
        return texts

    return _check(text, code, trace, parse, expected)


def states_of(trace: Trace) -> list[State]:
    """The states in the order in which they came about."""
    found: list[tuple[int, int, str, str]] = []
    for index, event in enumerate(trace.events):
        if event.kind == "call":
            parameters = {change.name: change.value or "" for change in event.changes}
            found.append((index, event.line, _dictionary(parameters), _dictionary(parameters)))
    for step in steps(trace):
        changes = {change.name: change.value for change in step.changes}
        after = {**step.before, **changes}
        ending = _ending(trace.events[step.end]) if step.end < len(trace.events) else {}
        found.append((step.end, step.line, _dictionary(_bound(after) | ending), _dictionary(changes | ending)))
    found.sort(key=lambda state: state[0])
    return [State(line, order, variables, changes) for order, (_, line, variables, changes) in enumerate(found)]


def _ending(event: Event) -> dict[str, str | None]:
    return {_ENDINGS[event.kind]: event.value} if event.kind in _ENDINGS else {}


def _bound(variables: dict[str, str | None]) -> dict[str, str | None]:
    return {name: value for name, value in variables.items() if value is not None}


def _dictionary(values: Mapping[str, str | None]) -> str:
    """`{"x": 1, "y": <unbound>}`, on one line."""
    items = [f'"{name}": {"<unbound>" if value is None else one_line(value)}' for name, value in values.items()]
    return "{" + ", ".join(items) + "}"


def one_line(text: str) -> str:
    """The text with its line breaks, which only messages of exceptions have, as escapes."""
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _kept(states: list[State]) -> list[State]:
    if len(states) <= _KEPT_FIRST + _KEPT_LAST:
        return states
    return states[:_KEPT_FIRST] + states[-_KEPT_LAST:]


def _by_row(code: str, trace: Trace) -> dict[int, list[State]]:
    """The states by the row (from 1) behind which they are written."""
    rows = code.split("\n")
    taken = set(_rows_without_comment(code, rows))
    found: dict[int, list[State]] = {}
    for state in states_of(trace):
        row = next((row for row in range(state.line, len(rows) + 1) if row not in taken), len(rows))
        found.setdefault(row, []).append(state)
    return found


def _rows_without_comment(code: str, rows: list[str]) -> Iterator[int]:
    """Rows that end inside a string or before a continuation line."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (tokenize.TokenError, SyntaxError):  # not a program: then there is no trace either
        return
    comments = {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    for token in tokens:
        if token.type not in (tokenize.NEWLINE, tokenize.NL):
            yield from range(token.start[0], token.end[0])
    for number, row in enumerate(rows, 1):
        if row.endswith("\\") and number not in comments:
            yield number


def _annotate(code: str, trace: Trace, write: Callable[[list[State]], str]) -> str:
    found = _by_row(code, trace)
    rows = code.split("\n")
    return "\n".join(
        f"{row}  # {write(found[number])}" if number in found else row for number, row in enumerate(rows, 1)
    )


def _check(
    text: str,
    code: str,
    trace: Trace,
    parse: Callable[[str], list[str]],
    expected: Callable[[list[State]], list[str]],
) -> str | None:
    found, rows, written = _by_row(code, trace), code.split("\n"), text.split("\n")
    if len(rows) != len(written):
        return f"{len(written)} rows instead of {len(rows)}"
    for number, (row, whole) in enumerate(zip(rows, written, strict=True), 1):
        if not whole.startswith(row):
            return f"row {number} is not the program's"
        comment = whole[len(row) :]
        if comment and not comment.startswith("  # "):
            return f"row {number} is not the program's"
        told, true = parse(comment.removeprefix("  # ")), expected(found.get(number, []))
        if told != true:
            return f"row {number} tells {told} instead of {true}"
    return None
