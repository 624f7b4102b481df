"""One row as a reader sees it: code with run counts, the trace as a table, and a text cut where its claims are."""

import ast
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ray_app.records import Claim
from ray_app.tracing.model import Event, Step, Trace, steps


def code_lines(code: str, trace: Trace | None) -> list[dict[str, Any]]:
    """Each line with how often the trace visits it, and whether its statement ran (True without a trace)."""
    events = trace.events if trace else ()
    visits = Counter(event.line for event in events if event.kind in ("line", "call"))
    ran = _ran(code, set(visits))
    return [
        {"number": number, "text": text, "visits": visits[number], "ran": not visits or number in ran}
        for number, text in enumerate(code.rstrip("\n").split("\n"), 1)
    ]


def _ran(code: str, visited: set[int]) -> set[int]:
    """The visited lines, and the other lines of the statements or headers that they begin."""
    try:
        nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.stmt)]
    except (SyntaxError, ValueError, RecursionError):
        return visited
    ran = set(visited)
    for node in nodes:
        body = getattr(node, "body", None)
        last = body[0].lineno - 1 if isinstance(body, list) and body else (node.end_lineno or node.lineno)
        lines = set(range(node.lineno, max(node.lineno, last) + 1))
        ran |= lines if lines & visited else set()
    return ran


def step_rows(trace: Trace) -> list[dict[str, Any]]:
    """The trace as a table: one row per executed line, call, return, exception, yield and resume, in order of start."""
    by_start = {step.start: step for step in steps(trace)}
    return [_step_row(event, by_start.get(index)) for index, event in enumerate(trace.events)]


def _step_row(event: Event, step: Step | None) -> dict[str, Any]:
    changes = step.changes if step else (event.changes if event.kind in ("call", "resume") else ())
    return {
        "kind": event.kind,
        "line": event.line,
        "visit": step.visit if step else None,
        "depth": event.depth,
        "frame": event.frame,
        "function": event.function,
        "changes": [{"name": change.name, "value": change.value} for change in changes],
        "value": event.value,
    }


_SENTENCE = re.compile(r"[^\n]+?(?:[.!?](?= |$)|$)", re.MULTILINE)
_ANSWER = "[ANSWER]"


def sentences_checked(text: str, claims: Sequence[Claim]) -> tuple[int, int]:
    """How many sentences of a text hold a claim that was found true or false, and how many there are, without the
    answer."""
    told = text.partition(_ANSWER)[0]
    checked = [claim for claim in claims if claim.verdict != "unchecked"]
    pieces, _ = segments(told, checked)
    ends = list(itertools.accumulate(len(piece["text"]) for piece in pieces))
    marked = [(end - len(piece["text"]), end) for piece, end in zip(pieces, ends, strict=True) if piece["claims"]]
    found = [match.span() for match in _SENTENCE.finditer(told) if any(map(str.isalpha, match.group()))]
    hits = sum(any(start < b and a < end for a, b in marked) for start, end in found)
    return hits, len(found)


def segments(text: str, claims: Sequence[Claim]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The text cut where claims begin and end, each piece with its claims; and the claims that are not in the text.

    Claims are looked for in order, each from where the one before began, so a phrase that occurs twice is marked twice.
    """
    spans: list[tuple[int, int, Claim]] = []
    unplaced: list[dict[str, Any]] = []
    at = 0
    for claim in claims:
        start = text.find(claim.text, at)
        start = text.find(claim.text) if start < 0 else start
        if not claim.text or start < 0:
            unplaced.append({"text": claim.text, **_verdict(claim)})
            continue
        if any((start, start + len(claim.text), claim.kind) == (s, e, c.kind) for s, e, c in spans[-1:]):
            again = text.find(claim.text, start + 1)
            start = again if again >= 0 else start
        spans.append((start, start + len(claim.text), claim))
        at = start
    edges = sorted({0, len(text), *(s for s, _, _ in spans), *(e for _, e, _ in spans)})
    return [
        {"text": text[a:b], "claims": [_verdict(c) for s, e, c in spans if s <= a and b <= e]}
        for a, b in itertools.pairwise(edges)
    ], unplaced


def _verdict(claim: Claim) -> dict[str, Any]:
    return {"kind": claim.kind, "verdict": claim.verdict, "evidence": claim.evidence}
