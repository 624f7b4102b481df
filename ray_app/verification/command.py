"""What the command `semray verify` does, apart from its options and exit codes."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ray_app.errors import InputError
from ray_app.verification.rows import NO_JSON, verify_lines, verify_text
from ray_app.verification.verdict import Verdict

_MARKS = {"true": "+", "false": "-", "unchecked": "?"}


def verify_file(source: Path, out: Path) -> tuple[int, int]:
    """(accepted, all) rows of `source` ("-" is standard input), their verdicts written to `out` in order.

    InputError if either cannot be opened, and, once all verdicts are written, if a line was no JSON.
    """
    accepted = rows = 0
    broken: list[int] = []
    with _opened(source) as lines, _written(out) as written:
        for verdict in verify_lines(lines):
            rows += 1
            written.write(json.dumps(verdict, ensure_ascii=False) + "\n")
            accepted += verdict["accepted"]
            if verdict["reason"] == NO_JSON:
                broken.append(rows)
    if broken:
        raise InputError(f"{source}: row {broken[0]} is no JSON ({len(broken)} of {rows}); their verdicts say so")
    return accepted, rows


def verify_program(source: Path, program: Path, call: str, direction: str) -> tuple[bool, str]:
    """Whether a plain text about one call of the program in a file is accepted, and each claim with its evidence."""
    if direction not in ("forward", "backward"):
        raise InputError(f"--direction {direction}: use forward or backward")
    with _opened(source) as text, _opened(program) as code:
        verdict = verify_text(code.read(), call, text.read(), direction)
    return verdict.accepted, _report(verdict)


def _report(verdict: Verdict) -> str:
    claims = [f"{_MARKS[claim.verdict]} {claim.text}  ({claim.kind}: {claim.evidence})" for claim in verdict.claims]
    outcome = "accepted" if verdict.accepted else f"refused: {verdict.reason}"
    return "\n".join([*claims, outcome + (f": {verdict.detail}" if verdict.detail else "")])


@contextmanager
def _opened(path: Path) -> Generator[TextIO, None, None]:
    if str(path) == "-":
        yield sys.stdin
        return
    try:
        with path.open(encoding="utf-8") as lines:
            yield lines
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text") from error


@contextmanager
def _written(path: Path) -> Generator[TextIO, None, None]:
    try:
        with path.open("w", encoding="utf-8") as out:
            yield out
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from error
