"""Tracebacks as the interpreter prints them, of files in memory, from which it cannot quote by itself."""

import io
import sys
import traceback
from typing import Any


def text_of(error: BaseException) -> str:
    """What the interpreter would print of an exception that nothing caught, without the frames of these files."""
    plain = _plain(error)
    if error.__traceback__ is None:  # what did not compile: the error itself holds the line
        return plain
    shown = traceback.TracebackException.from_exception(error)
    _leave_out_ours(shown, 0)
    text = "".join(shown.format())
    for line in plain.splitlines():  # some of it the interpreter alone knows
        known, _, meant = line.partition(". Did you mean: ")
        if meant and line not in text:
            text = text.replace(f"{known}\n", f"{line}\n")
    return text


def _plain(error: BaseException) -> str:
    """What the interpreter prints where it finds no file."""
    plain, stderr, opening = io.StringIO(), sys.stderr, io.open
    sys.stderr = plain
    io.open = _find_nothing  # type: ignore[assignment]
    try:
        sys.__excepthook__(type(error), error, error.__traceback__)
    finally:
        sys.stderr, io.open = stderr, opening  # type: ignore[misc]
    return plain.getvalue()


def _find_nothing(*_: Any, **__: Any) -> None:
    raise FileNotFoundError


def _leave_out_ours(shown: Any, depth: int) -> None:
    """Takes the stand-ins' frames out of a traceback, and out of those of its causes."""
    if shown is None or depth > 50:
        return
    for frame in [frame for frame in shown.stack if frame.filename.startswith("<sandbox ")]:
        shown.stack.remove(frame)
    for other in (shown.__cause__, shown.__context__, *(getattr(shown, "exceptions", None) or ())):
        _leave_out_ours(other, depth + 1)
