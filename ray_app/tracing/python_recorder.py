"""The recorder in Python: the oracle that says what the C extension must record, and the fallback without it.

It differs from the C extension in ways that no trace of an ordinary program shows: it spends the program's own
recursion budget, and truncates the trace where that runs out; a program can see it (`sys.gettrace`, and a dict that
`locals()` gave is refreshed by it); it costs microseconds, not nanoseconds, per event.
"""

import sys
from opcode import opmap, opname
from types import CodeType, FrameType, MethodType
from typing import TYPE_CHECKING, Any

from ray_app.tracing.canonical import python_canonical, python_describe_exception
from ray_app.tracing.wire import DEFINITION, LETTERS, SCRIPT_FILENAME, Log, number, string

if TYPE_CHECKING:
    from typing_extensions import Buffer

_RESUME = opmap["RESUME"]
_YIELD = opmap["YIELD_VALUE"]
_RETURNS = frozenset(opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST") if name in opmap)
_CO_OPTIMIZED = 1
_HIDDEN = ("__class__", "__classdict__")
_UNBOUND = object()


class PythonRecorder:
    """Records one thread's trace from `start` to `stop`. See `ray_app.tracing.recorder` for what is recorded."""

    name = "python"

    def __init__(self) -> None:
        self._log: Log | None = None
        self._callback = self._enter
        self.active = False

    def start(self, buffer: "Buffer", filename: str, *, value_chars: int, max_events: int) -> None:
        if self._log is not None:
            raise RuntimeError("the recorder is already running")
        self._log = Log(buffer)
        self._filename = filename
        self.value_chars = value_chars
        self._events_left = max_events
        self._codes: dict[int, Code] = {}
        self._frames = 0
        self.depth = 0
        self.active = True
        sys.settrace(self._callback)

    def stop(self) -> None:
        if self._log is None:
            return
        replaced = sys.gettrace() is not self._callback
        sys.settrace(None)
        if replaced:  # the program has switched tracing off: what follows is missing
            self.truncate()
        self.active = False
        self._log.close()
        self._log = None

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        """The global trace function: a frame of the program starts or resumes."""
        if not self.active or not self.records(frame.f_code):
            return None
        try:
            state = self._state_of(frame)
            state.enter(frame)
        except (RecursionError, MemoryError):
            self.truncate()
            return None
        return state.callback

    def records(self, code: CodeType) -> bool:
        """Whether frames of this code are recorded: the module's only where it is a whole program."""
        is_module = code.co_name == "<module>" and self._filename != SCRIPT_FILENAME
        return code.co_filename == self._filename and not is_module

    def _state_of(self, frame: FrameType) -> "FrameState":
        known: Any = frame.f_trace
        state = known.__self__ if type(known) is MethodType else None
        if isinstance(state, FrameState) and state.recorder is self:
            return state
        code = self._codes.get(id(frame.f_code))
        if code is None:
            code = self._codes[id(frame.f_code)] = self._new_code(frame.f_code)
            self._append(code.definition)
        self._frames += 1
        return self._new_state(code)

    def _new_code(self, code: CodeType) -> "Code":
        return Code(code, len(self._codes))

    def _new_state(self, code: "Code") -> "FrameState":
        return FrameState(self, code, self._frames - 1)

    def write(self, event: bytes) -> None:
        """Appends an event, unless a cap is reached: then the trace ends here."""
        if self._events_left == 0:
            self.truncate()
        else:
            self._events_left -= 1
            self._append(event)

    def _append(self, record: bytes) -> None:
        if self.active and self._log is not None and not self._log.append(record):
            self.truncate()

    def truncate(self) -> None:
        if self.active and self._log is not None:
            self._log.truncate()
        self.active = False


class Code:
    """What is needed of a code object: it is held, so that its id stays its own."""

    def __init__(self, code: CodeType, serial: int) -> None:
        self.code = code
        self.serial = serial
        self.bytecode = code.co_code
        cells = tuple(name for name in code.co_cellvars if name not in code.co_varnames)
        self.names = code.co_varnames + cells + code.co_freevars if code.co_flags & _CO_OPTIMIZED else ()
        self.definition = self.definition_of(code)

    def definition_of(self, code: CodeType) -> bytes:
        """The record that says its name and those of its variables."""
        names = b"".join(map(string, self.names))
        head = bytes([DEFINITION]) + number(self.serial) + string(code.co_qualname)
        return head + number(len(self.names)) + names


class FrameState:
    """What the trace has said so far about one frame; the frame holds it as its local trace function."""

    def __init__(self, recorder: PythonRecorder, code: Code, serial: int) -> None:
        self.recorder = recorder
        self.callback = self.event
        self.code = code
        self.serial = serial
        self._depth = 0
        self._texts: dict[int, str] = {}
        self._last_kind = ""
        self._raised_at: tuple[int, int] | None = None
        """Bytecode offset and line of the last exception, until its line runs again."""
        self.leaving: str | None = None
        """Once there was an exception: the one that leaves the frame if it is left by one now. It is the one just
        raised or, after a line of a handler or `finally` has begun, the one that is being handled there."""

    def enter(self, frame: FrameType) -> None:
        self._depth = self.recorder.depth
        self.recorder.depth += 1
        self.write("resume" if self._is_at_yield(frame) else "call", frame)

    def event(self, frame: FrameType, event: str, argument: Any) -> Any:
        """The local trace function of one frame."""
        if not self.recorder.active:
            return None
        try:
            if event == "line":
                self._line(frame)
            elif event == "exception":
                self._raised_at = (frame.f_lasti, frame.f_lineno)
                self.leaving = self.describe(argument[1])
                self.write("exception", frame, self.leaving)
            elif event == "return":
                self._leave(frame, argument)
        except (RecursionError, MemoryError):
            self.recorder.truncate()
        return self.callback

    def _line(self, frame: FrameType) -> None:
        if self._raised_at is not None and frame.f_lineno == self._raised_at[1]:
            self._raised_at = None
        if self.leaving is not None:
            self.leaving = self.describe(sys.exc_info()[1])
        self.write("line", frame)

    def _leave(self, frame: FrameType, argument: Any) -> None:
        self.recorder.depth = self._depth
        if self.code.bytecode[frame.f_lasti] in _RETURNS:
            self.write("return", frame, python_canonical(argument, self.recorder.value_chars))
        elif self._is_at_yield(frame) and not self._unwinds(frame, argument):
            self.write("yield", frame, python_canonical(argument, self.recorder.value_chars))
        else:
            self.leave_by_exception(frame)

    def leave_by_exception(self, frame: FrameType) -> None:
        """The frame ends by an exception; if it was the frame's last event, that is said."""
        if self._last_kind != "exception":
            self.write("exception", frame, self.leaving or self.describe(sys.exc_info()[1]))

    def describe(self, error: BaseException | None) -> str:
        return "" if error is None else python_describe_exception(error, self.recorder.value_chars)

    def _is_at_yield(self, frame: FrameType) -> bool:
        """Whether the frame stands at a `yield` or `await`, or behind it, where Python 3.13 leaves and enters."""
        opcode, argument = self.code.bytecode[frame.f_lasti : frame.f_lasti + 2]
        return opcode == _YIELD or (opcode == _RESUME and argument & 3 != 0)

    def opcode_at(self, frame: FrameType) -> str:
        """The operation at which the frame stands."""
        return opname[self.code.bytecode[frame.f_lasti]]

    def _unwinds(self, frame: FrameType, argument: Any) -> bool:
        """Whether a frame that stands at a `yield` leaves through an exception that was thrown in there."""
        return argument is None and self._raised_at is not None and self._raised_at[0] == frame.f_lasti

    def write(self, kind: Any, frame: FrameType, value: str | None = None) -> None:
        self._last_kind = kind
        self.write_event(LETTERS[kind], frame, value)

    def write_event(self, letter: int, frame: FrameType, value: str | None) -> None:
        """Appends an event; a value follows the kinds that have one."""
        changes = self.all_changes(frame)
        head = (frame.f_lineno, self._depth, self.serial, self.code.serial)
        record = bytes([letter]) + b"".join(map(number, head)) + changes
        self.recorder.write(record if value is None else record + string(value))

    def all_changes(self, frame: FrameType) -> bytes:
        """How many variables have changed, and how."""
        changes = self.changes(frame)
        return number(len(changes)) + b"".join(changes)

    def changes(self, frame: FrameType) -> list[bytes]:
        if not self.code.names:
            return []
        changes: list[bytes] = []
        variables = frame.f_locals
        for index, name in enumerate(self.code.names):
            if not self.is_shown(name):
                continue
            value = variables.get(name, _UNBOUND)
            text = None if value is _UNBOUND else python_canonical(value, self.recorder.value_chars)
            if text == self._texts.get(index):
                continue
            if text is None:
                del self._texts[index]
            else:
                self._texts[index] = text
            changes.append(self.change(index, text, variables))
        return changes

    def is_shown(self, name: str) -> bool:
        """Whether the program has named the variable."""
        return name[0] != "." and name not in _HIDDEN

    def change(self, index: int, text: str | None, variables: dict[str, Any]) -> bytes:
        """One variable's new text, or that it is unbound."""
        if text is None:
            return number(index) + number(0)
        encoded = text.encode("utf-8", "backslashreplace")
        return number(index) + number(len(encoded) + 1) + encoded
