"""`semray verify`: rows of anyone's explanations in, verdicts out, one per row and in order; a bad row is a verdict
too."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ray_app.claims.code import literal
from ray_app.sandbox.api import execute
from ray_app.semantics.api import Recording, record
from ray_app.semantics.source import read
from ray_app.verification.backward import verify_backward
from ray_app.verification.judge import verify_forward
from ray_app.verification.verdict import Verdict

Record = Callable[[str, str], Recording]
_TEXTS = ("code", "call", "output", "direction", "monologue")
NO_JSON = "row is no JSON"


def verify_lines(lines: Iterable[str], *, record: Record = record) -> Iterator[dict[str, Any]]:
    """One verdict per non-empty line: id, accepted, reason, claims."""
    for line in lines:
        if line.strip():
            yield _verdict(line, record)


def _verdict(line: str, record: Record) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        return shown(None, Verdict(False, NO_JSON))
    if not isinstance(row, dict):
        return shown(None, Verdict(False, "row is no object"))
    missing = [name for name in _TEXTS if not isinstance(row.get(name), str)]
    if missing:
        return shown(row.get("id"), Verdict(False, f"row has no text {missing[0]!r}"))
    return shown(row.get("id"), verify_row(row, record))


def verify_row(row: dict[str, str], record: Record = record) -> Verdict:
    """The verdict on one row: its call is run and recorded again, and must give the row's output."""
    if row["direction"] not in ("forward", "backward"):
        return Verdict(False, "direction is neither forward nor backward")
    return verify_text(row["code"], row["call"], row["monologue"], row["direction"], row["output"], record)


def verify_text(
    code: str, call: str, text: str, direction: str = "forward", output: str | None = None, record: Record = record
) -> Verdict:
    """The verdict on an explanation of one call of a program; `output` is what it is said to give, where that is
    said."""
    try:
        source = read(code)
    except (SyntaxError, ValueError, RecursionError):
        return Verdict(False, "code does not parse")
    if not text.strip():
        return Verdict(False, "no claims")
    if call.strip().partition("(")[0] not in source.functions:
        return Verdict(False, "call is of no function in the code")
    recording = record(code, call)
    if recording.run is None:
        return Verdict(False, recording.reason)
    given = recording.run.output if recording.run.exception is None else recording.run.exception
    if output is not None and not _agrees(output, recording):
        return Verdict(False, "output is not what the call gives", detail=given or "")
    if direction == "forward":
        return verify_forward(recording.run, text)
    return verify_backward(recording.run, text, record=lambda *job: record(*job).run, execute=execute)


def _agrees(stated: str, recording: Recording) -> bool:
    """Whether a row's output is the run's; where an exception left the call, "" or its type."""
    run = recording.run
    assert run is not None
    if run.exception is not None:
        return stated.strip() in ("", run.exception.partition(":")[0])
    return stated.strip() == run.output or literal(stated) == run.output


def shown(identity: Any, verdict: Verdict) -> dict[str, Any]:
    """A verdict as a row of JSON."""
    reason = verdict.reason + (f": {verdict.detail}" if verdict.detail else "")
    claims = [{"text": c.text, "kind": c.kind, "verdict": c.verdict, "evidence": c.evidence} for c in verdict.claims]
    return {"id": identity, "accepted": verdict.accepted, "reason": reason, "claims": claims}
