"""`semray verify`: rows of anyone's explanations in, verdicts out, one per row and in order; a bad row is a verdict
too."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ray_app.claims.code import literal
from ray_app.sandbox.api import execute
from ray_app.semantics.api import Recording, record
from ray_app.semantics.record import Run
from ray_app.semantics.source import read
from ray_app.verification.backward import verify_backward
from ray_app.verification.edit import Edited, Unchecked, edit_backward, edit_forward
from ray_app.verification.judge import verify_forward
from ray_app.verification.verdict import Verdict

Record = Callable[[str, str], Recording]
Direction = Literal["forward", "backward"]
_FIELDS = {
    "code": ("code", "program"),
    "call": ("call",),
    "monologue": ("monologue", "text", "explanation"),
}
"""The fields that a row must have, each under any of these names; `output` and `direction` may be missing."""
NO_JSON = "row is no JSON"


@dataclass(frozen=True, slots=True)
class Case:
    """A text about a recorded call, ready to be judged."""

    run: Run
    text: str
    direction: Direction
    record: Record = record

    def verdict(self) -> Verdict:
        """The verdict on the text."""
        if self.direction == "forward":
            return verify_forward(self.run, self.text, execute=execute)
        return verify_backward(self.run, self.text, record=self._run_of, execute=execute)

    def edited(self, unchecked: Unchecked) -> Edited:
        """The text with what is false in it put right or cut."""
        if self.direction == "forward":
            return edit_forward(self.run, self.text, unchecked=unchecked, execute=execute)
        return edit_backward(self.run, self.text, record=self._run_of, execute=execute, unchecked=unchecked)

    def _run_of(self, code: str, call: str) -> Run | None:
        return self.record(code, call).run


def case_of(
    code: str, call: str, text: str, direction: str = "forward", output: str | None = None, record: Record = record
) -> Case | Verdict:
    """A text about one call of a program, run and recorded; or the refusal where that cannot be. `output` is what the
    call is said to give, where that is said."""
    if direction not in ("forward", "backward"):
        return Verdict(False, "direction is neither forward nor backward")
    try:
        source = read(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Verdict(False, "code does not parse")
    if not text.strip():
        return Verdict(False, "no claims")
    if call.strip().partition("(")[0] not in source.functions:
        return Verdict(False, "call is of no function in the code")
    recording = record(code, call)
    if recording.run is None:
        return Verdict(False, recording.reason)
    if output is not None and not _agrees(output, recording.run):
        given = recording.run.output if recording.run.exception is None else recording.run.exception
        return Verdict(False, "output is not what the call gives", detail=given or "")
    return Case(recording.run, text, "forward" if direction == "forward" else "backward", record)


def _agrees(stated: str, run: Run) -> bool:
    """Whether a row's output is the run's; where an exception left the call, "" or its type."""
    if run.exception is not None:
        return stated.strip() in ("", run.exception.partition(":")[0])
    return stated.strip() == run.output or literal(stated) == run.output


def read_rows(lines: Iterable[str]) -> Iterator[Any]:
    """The rows of JSON lines, of one JSON list, or of a single object; None for a line that is no JSON."""
    waiting = iter(lines)
    first = next((line for line in waiting if line.strip()), "")
    if first and _parsed(first) is None:
        text = "\n".join(line.rstrip("\n") for line in (first, *waiting))
        whole = _parsed(text)
        if whole is not None:
            yield from whole if isinstance(whole, list) else [whole]
            return
        waiting = iter(text.splitlines())
        first = ""
    for line in itertools.chain([first], waiting):
        if line.strip():
            found = _parsed(line)
            yield from found if isinstance(found, list) and found and isinstance(found[0], dict) else [found]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def case_of_row(row: Any, record: Record = record) -> Case | Verdict:
    """The text of a row; the refusal where it lacks something."""
    if row is None:
        return Verdict(False, NO_JSON)
    if not isinstance(row, dict):
        return Verdict(False, "row is no object")
    found: dict[str, str] = {}
    for name, spellings in _FIELDS.items():
        value = next((row[spelling] for spelling in spellings if isinstance(row.get(spelling), str)), None)
        if value is None:
            return Verdict(False, f"row has no text {name!r}")
        found[name] = value
    direction, output = row.get("direction", "forward"), row.get("output")
    if output is not None and not isinstance(output, str):
        return Verdict(False, "output is no text: write the value as Python shows it")
    return case_of(found["code"], found["call"], found["monologue"], str(direction), output, record)


def verify_lines(
    lines: Iterable[str], *, record: Record = record, edit: Unchecked | None = None
) -> Iterator[dict[str, Any]]:
    """One verdict per row: id, accepted, reason, claims; with `edit` also the edited text and what was changed."""
    for row in read_rows(lines):
        case = case_of_row(row, record)
        verdict = case if isinstance(case, Verdict) else case.verdict()
        identity = row.get("id") if isinstance(row, dict) else None
        found = shown(identity, verdict)
        yield found if edit is None else {**found, **_edits(case, edit)}


def _edits(case: Case | Verdict, unchecked: Unchecked) -> dict[str, Any]:
    if isinstance(case, Verdict):
        return {"text": "", "edits": [], "refused": case.reason}
    edited = case.edited(unchecked)
    edits = [{"kind": e.kind, "before": e.before, "after": e.after, "why": e.why} for e in edited.edits]
    return {"text": edited.text, "edits": edits, "refused": edited.reason}


def shown(identity: Any, verdict: Verdict) -> dict[str, Any]:
    """A verdict as a row of JSON."""
    reason = verdict.reason + (f": {verdict.detail}" if verdict.detail else "")
    claims = [{"text": c.text, "kind": c.kind, "verdict": c.verdict, "evidence": c.evidence} for c in verdict.claims]
    return {"id": identity, "accepted": verdict.accepted, "reason": reason, "claims": claims}
