"""What the command `semray verify` does, apart from its options and exit codes."""

import json
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ray_app.errors import InputError
from ray_app.verification.edit import Unchecked
from ray_app.verification.explain import explain, outcome
from ray_app.verification.rows import NO_JSON, Case, case_of, case_of_row, read_rows, verify_lines
from ray_app.verification.verdict import Verdict

_MARKS = {"true": "+", "false": "-", "unchecked": "?"}


@dataclass(frozen=True, slots=True)
class Report:
    """What is said of one text: whether it is good, the report, and, where it was edited, the text (else "")."""

    is_good: bool
    report: str
    text: str = ""


def verify_file(source: Path, out: Path | None, edit: Unchecked | None = None) -> tuple[int, int]:
    """(accepted, all) rows of `source` ("-": standard input), their verdicts written in order, as JSON lines.

    Without `out` they go to standard output. InputError if a file cannot be opened, and, once all verdicts are written,
    if a row was no JSON.
    """
    accepted = rows = 0
    broken: list[int] = []
    with _opened(source) as lines, _written(out) as written:
        for verdict in verify_lines(lines, edit=edit):
            rows += 1
            written.write(json.dumps(verdict, ensure_ascii=False) + "\n")
            accepted += verdict["accepted"]
            if verdict["reason"] == NO_JSON:
                broken.append(rows)
    if broken:
        hint = "; of a plain text say --program and --call" if len(broken) == rows else ""
        raise InputError(f"{source}: row {broken[0]} is no JSON ({len(broken)} of {rows}); their verdicts say so{hint}")
    return accepted, rows


def explain_file(source: Path) -> Iterator[str]:
    """A report on every row: each sentence with its evidence."""
    with _opened(source) as lines:
        for number, row in enumerate(read_rows(lines), 1):
            name = row.get("id", number) if isinstance(row, dict) else number
            yield f"== {name}\n{_report(case_of_row(row), is_explained=True).report}\n"


def verify_program(
    source: Path, program: Path, call: str, direction: str, *, is_explained: bool, edit: Unchecked | None = None
) -> Report:
    """The report on a plain text about one call of the program in a file. InputError where one cannot be read."""
    if direction not in ("forward", "backward"):
        raise InputError(f"--direction {direction}: use forward or backward")
    with _opened(source) as text, _opened(program) as code:
        case = case_of(code.read(), call, text.read(), direction)
    if edit is not None and isinstance(case, Case):
        return _edited(case, edit)
    return _report(case, is_explained=is_explained)


def _report(case: Case | Verdict, *, is_explained: bool) -> Report:
    verdict = case if isinstance(case, Verdict) else case.verdict()
    if is_explained:
        return Report(verdict.accepted, explain(case, verdict))
    said = {(claim.text, claim.verdict): claim for claim in reversed(verdict.claims)}  # the same words once
    shown = [claim for claim in verdict.claims if said[claim.text, claim.verdict] is claim]
    claims = [f"{_MARKS[claim.verdict]} {claim.text}  ({claim.kind}: {claim.evidence})" for claim in shown]
    return Report(verdict.accepted, "\n".join([*claims, outcome(verdict)]))


def _edited(case: Case, unchecked: Unchecked) -> Report:
    """The edited text, and a report of its edits."""
    edited = case.edited(unchecked)
    changes = [f"{edit.kind}: {edit.before!r} -> {edit.after!r}  ({edit.why})" for edit in edited.edits]
    return Report(not edited.reason, "\n".join([*changes, edited.reason or outcome(edited.verdict)]), edited.text)


@contextmanager
def _opened(path: Path) -> Generator[TextIO, None, None]:
    try:
        if str(path) == "-":
            yield sys.stdin
            return
        with path.open(encoding="utf-8") as lines:
            yield lines
    except OSError as error:
        raise InputError(f"{error.filename or path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text") from error


@contextmanager
def _written(path: Path | None) -> Generator[TextIO, None, None]:
    if path is None:
        yield sys.stdout
        return
    try:
        # what has no UTF-8 (half a surrogate pair) becomes an escape, which JSON reads back
        with path.open("w", encoding="utf-8", errors="backslashreplace") as out:
            yield out
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from error
