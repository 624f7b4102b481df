"""Recording a call in this process, with everything in Python: an oracle for tests. It isolates nothing."""

import contextlib
import io
from types import FrameType

from ray_app.semantics.assembly import assemble
from ray_app.semantics.reader import decode
from ray_app.semantics.record import Run
from ray_app.semantics.source import read
from ray_app.tracing.canonical import python_canonical, python_describe_exception
from ray_app.tracing.instrument import compile_noted
from ray_app.tracing.note_recorder import NoteRecorder, place_notes

_PREFIX = "\0note "
_FILENAME = "<program>"
_BYTES = 8 << 20


class _Cut(BaseException):
    """The budget is used up: the program is stopped at its next note."""


class _StoppingRecorder(NoteRecorder):
    def note(self, frame: FrameType, kind: str, node: int, value: object) -> bool:
        is_recorded = super().note(frame, kind, node, value)
        if self.is_cut:
            raise _Cut
        return is_recorded

    is_cut = False

    def truncate(self) -> None:
        super().truncate()
        self.is_cut = True


def record(code: str, call: str, *, value_chars: int = 512, events: int = 50_000, partial: bool = False) -> Run:
    """The record of a call. Where it does not fit into the budget the program is stopped: ValueError, or with
    `partial` what was recorded until then, as a run that is `cut`."""
    source = read(code)
    noted, watched = compile_noted(code, _FILENAME, _PREFIX, asks_truth=False)
    recorder = _StoppingRecorder()
    module = place_notes(noted, _PREFIX, recorder.note)
    space: dict[str, object] = {"__name__": "program"}
    buffer, printed = bytearray(_BYTES), io.StringIO()
    output = exception = None
    with contextlib.redirect_stdout(printed):
        exec(module, space)
        expression = compile(call, "<call>", "eval", dont_inherit=True)
        recorder.watch(space, watched)
        recorder.start(buffer, _FILENAME, value_chars=value_chars, max_events=events)
        try:
            output = python_canonical(eval(expression, space), 16_384)
        except BaseException as error:
            exception = python_describe_exception(error, 2_000)
        finally:
            recorder.stop()
    notes = decode(buffer)
    if notes.truncated and not partial:
        raise ValueError("over budget")
    if notes.truncated:
        output = exception = None
    return assemble(source, notes, call, output, exception, printed.getvalue())
