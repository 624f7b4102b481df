"""Recording a trace in the process that runs a program, and reading it in the process that started that one.

    start(buffer, "<program>", value_chars=512, max_events=4096); eval(call); stop()      in the traced child
    trace = read(buffer)                                                                  in the parent

Recorded are the frames of this thread whose code has exactly the given `co_filename`, except module bodies: compile
the program with that file name and the call expression with another. What an event means is said in
`ray_app.tracing.model`; besides: a frame's first event also shows its captured variables; a decorated function's `call`
has the line of its first decorator; an exception that is caught is followed by a line of the same frame, one that
leaves the frame is the frame's last event; a class body is a frame without variables; changes beyond the cap of a value
are not seen. No code of the program is ever called.

`buffer` is shared memory that both processes see, 8-byte aligned; the child may die at any moment. `TRACER` is "c"
where the C extension is built, else "python"; both record the same bytes.
"""

from typing import TYPE_CHECKING, Literal, Protocol

from ray_app.tracing.extension import extension
from ray_app.tracing.python_recorder import PythonRecorder

if TYPE_CHECKING:  # the traced process stays small
    from typing_extensions import Buffer

    from ray_app.tracing.model import Trace


class Recorder(Protocol):
    """`start` begins to trace this thread into a zeroed or reused buffer, `stop` ends it and lets go of the buffer.

    At most `max_events` events are recorded, each value in at most `value_chars` characters; where that or the buffer
    ends, the trace is marked truncated and the program goes on untraced.
    """

    def start(self, buffer: "Buffer", filename: str, *, value_chars: int, max_events: int) -> None: ...

    def stop(self) -> None: ...


python_recorder: Recorder = PythonRecorder()
c_recorder: "Recorder | None" = extension  # type: ignore[assignment]
_recorder = python_recorder if c_recorder is None else c_recorder

TRACER: Literal["c", "python"] = "python" if c_recorder is None else "c"
start = _recorder.start
stop = _recorder.stop


def read(buffer: "Buffer") -> "Trace":
    """The trace that a recorder has left in the buffer. The bytes are not trusted: a ValueError says what is wrong."""
    from ray_app.tracing.reader import decode  # not needed, and not loaded, in the traced process

    return decode(memoryview(buffer))
