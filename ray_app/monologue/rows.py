"""`semray verify`: rows of foreign monologues in, verdicts out, one per row and in order; a bad row is a
verdict too.
"""

import ast
import json
from collections.abc import Iterable, Iterator
from typing import Any

from ray_app.monologue.answer import kind_of
from ray_app.monologue.inputs import Run
from ray_app.monologue.source import read
from ray_app.monologue.verify import Verdict, verify_backward, verify_forward
from ray_app.records import Execution
from ray_app.sandbox.api import execute
from ray_app.tracing.canonical import canonical

_TEXTS = ("code", "call", "output", "direction", "monologue")


def verify_lines(lines: Iterable[str], *, run: Run = execute) -> Iterator[dict[str, Any]]:
    """One verdict per non-empty line: id, accepted, reason, claims, unchecked."""
    for line in lines:
        if line.strip():
            yield _verdict(line, run)


def _verdict(line: str, run: Run) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        return _shown(None, Verdict(False, "row is no JSON"))
    if not isinstance(row, dict):
        return _shown(None, Verdict(False, "row is no object"))
    missing = [name for name in _TEXTS if not isinstance(row.get(name), str)]
    if missing:
        return _shown(row.get("id"), Verdict(False, f"row has no text {missing[0]!r}"))
    return _shown(row.get("id"), verify_row(row, run))


def verify_row(row: dict[str, str], run: Run = execute) -> Verdict:
    """The verdict on one row: its call is run and traced again, and must give the row's output."""
    if row["direction"] not in ("forward", "backward"):
        return Verdict(False, "direction is neither forward nor backward")
    try:
        source = read(row["code"])
    except (SyntaxError, ValueError, RecursionError):
        return Verdict(False, "code does not parse")
    if not row["monologue"].strip():
        return Verdict(False, "no claims")
    entry = entry_of(row["call"])
    if entry not in source.functions:
        return Verdict(False, "call is of no function in the code")
    execution = run(row["code"], [row["call"]])[0]
    if not _agrees(row["output"], execution):
        return Verdict(False, "output is not what the call gives", detail=execution.output or execution.exception or "")
    check = verify_forward if row["direction"] == "forward" else verify_backward
    return check(row["code"], entry, execution, row["monologue"], run=run)


def _agrees(stated: str, execution: Execution) -> bool:
    """Whether a row's output is the run's; where an exception left the call, "" or its type."""
    if execution.status == "exception":
        return stated.strip() in ("", kind_of(execution.exception or ""))
    return execution.output is None or same_output(stated, execution.output)


def entry_of(call: str) -> str:
    """The name of the function that a call calls, "" where it is no plain call."""
    name, bracket, _ = call.strip().partition("(")
    return name if bracket and name.isidentifier() else ""


def same_output(stated: str, output: str) -> bool:
    """Whether a stated repr is the canonical output: the same text, or a literal with the same canonical text."""
    if stated.strip() == output:
        return True
    try:
        return canonical(ast.literal_eval(stated.strip())) == output
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return False


def _shown(identity: Any, verdict: Verdict) -> dict[str, Any]:
    reason = verdict.reason + (f": {verdict.detail}" if verdict.detail else "")
    claims = [{"text": c.text, "kind": c.kind, "verdict": c.verdict, "evidence": c.evidence} for c in verdict.claims]
    return {
        "id": identity,
        "accepted": verdict.accepted,
        "reason": reason,
        "claims": claims,
        "unchecked": list(verdict.unchecked),
    }
