"""`semray trace --format record`."""

from pathlib import Path

from ray_app.errors import InputError
from ray_app.parsing import read_source
from ray_app.semantics.api import record
from ray_app.semantics.render import render


def record_file(program: Path, call: str) -> str:
    """The record of one call of a file's program, as text. InputError where there is none, with the reason."""
    recording = record(read_source(program), call)
    if recording.run is None:
        said = f": {recording.execution.exception}" if recording.execution.exception else ""
        raise InputError(f"{call} has no record: {recording.reason}{said}")
    return render(recording.run)
