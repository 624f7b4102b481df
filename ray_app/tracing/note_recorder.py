"""The recorder in Python for records with notes: the oracle of what the C extension writes, and the fallback.

It records no lines, but what notes say (see `ray_app.tracing.instrument` and `wire`). A note is an object in the
program's constants, the left operand of an `@`; it finds the frame that evaluates it, and hands its right operand on.
"""

import os
import sys
import types
from collections.abc import Callable, Sequence
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from ray_app.tracing.canonical import python_canonical
from ray_app.tracing.introspection import find, type_dict
from ray_app.tracing.python_recorder import Code, FrameState, PythonRecorder
from ray_app.tracing.wire import number, string

if TYPE_CHECKING:
    from typing_extensions import Buffer

_UNBOUND = object()
_caller = vars(sys)["_getframe"]
_LEFT = ord("z")
_PREFIX = "\1" + os.urandom(16).hex()
"""No program can have a constant that begins like this, and none sees one that does."""
_constants = vars(CodeType)["co_consts"].__get__
_replace = vars(CodeType)["replace"]
_set_trace_lines = vars(FrameType)["f_trace_lines"].__set__  # programs do not have the attribute
_CHANGING, _TEXTED = frozenset("SIWMEHF"), frozenset("HF")
_TRUE = frozenset("MWKR")
_SWALLOWING = frozenset(("FOR_ITER", "SEND"))
_ALONE = (
    *(int, float, complex, str, bytes, type(None), type(...), type(NotImplemented), tuple, frozenset, range, slice),
    *(type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.GeneratorType),
    *(types.CoroutineType, types.AsyncGeneratorType),
)
"""Types of values for which it does not matter that two names share one."""


class Note:
    """One place in the program, as a constant."""

    __slots__ = ("_kind", "_left", "_next", "_node", "_record")

    def __init__(self, kind: str, node: int, record: "Callable[..., bool]", more: str = "") -> None:
        self._kind = kind
        self._node = node
        self._record = record
        self._next = Note("V", int(more), record) if kind == "L" else None
        self._left = int(more) if kind == "Q" else 0

    def __matmul__(self, value: Any) -> Any:
        if self._kind == "Q":
            return self._is_time()
        self._record(_caller(1), self._kind, self._node, value)
        if self._kind in ("V", "B"):
            return value
        return True if self._kind in _TRUE else self._next

    def _is_time(self) -> bool:
        """Whether the frame of the program is where the question is to be asked; that is recorded then."""
        frame = _caller(2)
        if not self._record(frame, "", self._node, None):
            return False
        self._left -= 1
        return self._left == 0 and self._record(frame, "Q", self._node, None)


def place_notes(code: CodeType, prefix: str, record: "Callable[..., bool]") -> CodeType:
    """The code with notes in place of the constants that begin with the prefix, also in the code within it."""
    constants = tuple(_placed(constant, prefix, record) for constant in _constants(code))
    return _replace(code, co_consts=constants)


def _placed(constant: Any, prefix: str, record: "Callable[..., bool]") -> Any:
    if type(constant) is CodeType:
        return place_notes(constant, prefix, record)
    if type(constant) is not str or not constant.startswith(prefix):
        return constant
    kind, place = constant[len(prefix)], constant[len(prefix) + 1 :]
    node, _, more = place.partition(",")
    return Note(kind, int(node), record, more)


class NoteRecorder(PythonRecorder):
    """Records what happens in the program's frames from `start` to `stop`, with the notes that they make."""

    def __init__(self) -> None:
        super().__init__()
        self._watched: tuple[tuple[dict[str, Any], str, str], ...] = ()
        self._watched_names: tuple[str, ...] = ()
        self._watched_texts: dict[int, str] = {}

    def watch(self, space: dict[str, Any], names: Sequence[str]) -> None:
        """What the next record watches: names of the module's dictionary, "Cls.attr" for attributes of its classes."""
        self._watched = tuple((space, *_parts(name)) for name in names)
        self._watched_names = tuple(names)

    def start_watching(
        self, space: dict[str, Any], names: Sequence[str], buffer: "Buffer", *rest: Any, **caps: Any
    ) -> None:
        """`watch` and `start` in one."""
        self.watch(space, names)
        self.start(buffer, *rest, **caps)

    def start(self, buffer: "Buffer", filename: str, *, value_chars: int, max_events: int) -> None:
        self._watched_texts: dict[int, str] = {}
        super().start(buffer, filename, value_chars=value_chars, max_events=max_events)
        if self._watched:
            names = b"".join(map(string, self._watched_names))
            self._append(b"A" + number(len(self._watched)) + names)

    def note(self, frame: FrameType, kind: str, node: int, value: Any) -> bool:
        """Records one note of a frame, if it is one that is recorded, which is said; nothing for kind ""."""
        if not self.active or not self.records(frame.f_code):
            return False
        try:
            state = self._state_of(frame)
            if isinstance(state, NoteFrameState) and kind:
                state.note(frame, kind, node, value)
        except (RecursionError, MemoryError):
            self.truncate()
        return True

    def watched_values(self) -> list[Any]:
        """What is watched, without asking the program's classes."""
        return [self._watched_value(*place) for place in self._watched]

    def _watched_value(self, space: dict[str, Any], name: str, attribute: str) -> Any:
        found = space.get(name, _UNBOUND)
        if not attribute:
            return found
        return find(type_dict(found), attribute, _UNBOUND) if issubclass(type(found), type) else _UNBOUND

    def write_watched(self) -> None:
        """Appends what is watched and has changed."""
        changes = [
            number(index) + encoded_text(text)
            for index, value in enumerate(self.watched_values())
            if (text := self._text(value)) != self._watched_texts.get(index) and self._remember(index, text)
        ]
        if changes:
            self._append(b"G" + number(len(changes)) + b"".join(changes))

    def _text(self, value: Any) -> str | None:
        return None if value is _UNBOUND else python_canonical(value, self.value_chars)

    def _remember(self, index: int, text: str | None) -> bool:
        if text is None:
            del self._watched_texts[index]
        else:
            self._watched_texts[index] = text
        return True

    def _new_code(self, code: CodeType) -> Code:
        return NoteCode(code, len(self._codes))

    def _new_state(self, code: Code) -> FrameState:
        return NoteFrameState(self, code, self._frames - 1)


class NoteCode(Code):
    """A code object with its first line, and which of its variables are captured."""

    def definition_of(self, code: CodeType) -> bytes:
        names = b"".join(map(string, self.names))
        free = len(code.co_freevars) if self.names else 0
        place = number(code.co_firstlineno) + number(free)
        return b"D" + number(self.serial) + string(code.co_qualname) + place + number(len(self.names)) + names


class NoteFrameState(FrameState):
    """What the record has said so far about one frame."""

    recorder: NoteRecorder

    def event(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" or (event == "exception" and self._is_swallowed(frame, argument[1])):
            return self.callback
        return super().event(frame, event, argument)

    def enter(self, frame: FrameType) -> None:
        _set_trace_lines(frame, False)
        super().enter(frame)

    def note(self, frame: FrameType, kind: str, node: int, value: Any) -> None:
        """Writes a note that this frame makes."""
        head = kind.encode() + number(node) + number(self.serial)
        if kind in _CHANGING:
            if self.leaving is not None:
                self.leaving = self.describe(sys.exc_info()[1])
            changes = self.all_changes(frame)
            text = string(self.describe(sys.exc_info()[1])) if kind in _TEXTED else b""
            self.recorder.write(head + number(self.code.serial) + changes + text)
        elif kind in ("V", "R"):
            self.recorder.write(head + string(python_canonical(value, self.recorder.value_chars)))
        elif kind == "B":
            self.recorder.write(head + number(bool(value)))
        elif kind == "K":
            texts = [string(python_canonical(item, self.recorder.value_chars)) for item in value]
            self.recorder.write(head + number(len(texts)) + b"".join(texts))
        else:
            self.recorder.write(head)

    def leave_by_exception(self, frame: FrameType) -> None:
        self.write_event(_LEFT, frame, self.leaving or self.describe(sys.exc_info()[1]))

    def all_changes(self, frame: FrameType) -> bytes:
        self.recorder.write_watched()
        changes = self.changes(frame)
        return number(len(changes)) + b"".join(changes)

    def change(self, index: int, text: str | None, variables: dict[str, Any]) -> bytes:
        name = self.code.names[index]
        found = b""
        shared = self._shared(name, variables) if text is not None else []
        for other in shared:
            found += number(other)
        return super().change(index, text, variables) + number(len(shared)) + found

    def _shared(self, name: str, variables: dict[str, Any]) -> list[int]:
        """The names that hold the very object that the variable holds."""
        value = variables[name]
        if issubclass(type(value), _ALONE):
            return []
        names = self.code.names
        own = [variables.get(other, _UNBOUND) if self.is_shown(other) else _UNBOUND for other in names]
        candidates = enumerate([*own, *self.recorder.watched_values()])
        return [other for other, held in candidates if held is value and other != names.index(name)]

    def _is_swallowed(self, frame: FrameType, error: BaseException | None) -> bool:
        """Whether a loop or a `yield from` takes the exception for the end of what it iterates."""
        return type(error) is StopIteration and self.opcode_at(frame) in _SWALLOWING


def _parts(name: str) -> tuple[str, str]:
    class_or_name, _, attribute = name.partition(".")
    return class_or_name, attribute


def encoded_text(text: str | None) -> bytes:
    """0 for None, else 1 + the length, and the bytes."""
    if text is None:
        return number(0)
    encoded = text.encode("utf-8", "backslashreplace")
    return number(len(encoded) + 1) + encoded


def compiler(instrument: "Callable[..., Any]") -> "Callable[[str, str], tuple[CodeType, tuple[str, ...]]]":
    """Compiles a source so that its notes write to `note_recorder`: the code, and the names that a record watches."""

    def compile_noted(source: str, filename: str) -> tuple[CodeType, tuple[str, ...]]:
        code, watched = instrument(source, filename, _PREFIX, asks_truth=False)
        return place_notes(code, _PREFIX, note_recorder.note), watched

    return compile_noted


note_recorder = NoteRecorder()
"""The one that the notes of this process write to."""
