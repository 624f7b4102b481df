"""Reading the bytes of a record in the trusted process. They may be forged: a ValueError, or well-formed entries.

The C extension does it where there is one (`ray_app/tracing/_reader.c`), `Reader` elsewhere, to the same effect.
"""

from dataclasses import dataclass
from typing import Literal

from ray_app.semantics import wire
from ray_app.semantics.wire import EventKind, Layout
from ray_app.tracing.extension import extension
from ray_app.tracing.wire import HEADER_BYTES

NoteKind = Literal["S", "E", "I", "H", "F", "L", "V", "B", "K", "M", "W", "Q", "R"]
"""See `ray_app.tracing.instrument`."""
_LARGEST = 2**31


@dataclass(frozen=True, slots=True)
class Code:
    """A code object: `free` of its variables, the last ones, are captured."""

    function: str
    line: int
    names: tuple[str, ...]
    free: int


@dataclass(frozen=True, slots=True)
class Changed:
    """A variable with its new text, and the names that hold the same object."""

    name: str
    text: str | None
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """What CPython said about a frame."""

    kind: EventKind
    line: int
    depth: int
    frame: int
    code: Code
    changes: tuple[Changed, ...]
    value: str | None


@dataclass(frozen=True, slots=True)
class Note:
    """What a note said. `changes` is None for kinds that do not look at variables."""

    kind: NoteKind
    node: int
    frame: int
    changes: tuple[Changed, ...] | None = None
    text: str = ""
    texts: tuple[str, ...] = ()
    truth: bool = False


@dataclass(frozen=True, slots=True)
class Watched:
    """New texts of what is watched."""

    changes: tuple[Changed, ...]


Entry = Event | Note | Watched


@dataclass(frozen=True, slots=True)
class Notes:
    """What a recorder has left, in order. `watched` are the names of what was watched."""

    entries: tuple[Entry, ...]
    watched: tuple[str, ...]
    truncated: bool


class Reader:
    """Decodes records that may have been forged: whatever the bytes are, a ValueError or well-formed entries."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._codes: dict[int, Code] = {}
        self._watched: tuple[str, ...] = ()

    def notes(self) -> Notes:
        entries: list[Entry] = []
        while self._at < len(self._data):
            letter = self._byte()
            if letter == wire.TRUNCATION:
                if self._at != len(self._data):
                    raise ValueError("records follow the truncation mark")
                return Notes(tuple(entries), self._watched, truncated=True)
            entry = self._entry(letter)
            if entry is not None:
                entries.append(entry)
        return Notes(tuple(entries), self._watched, truncated=False)

    def _entry(self, letter: int) -> Entry | None:
        if letter in wire.NOTES:
            return self._note(letter)
        if letter in wire.EVENTS:
            return self._event(letter)
        if letter == wire.WATCHED_CHANGES:
            return self._watched_changes()
        if letter == wire.DEFINITION:
            return self._definition()
        if letter == wire.WATCHED:
            self._watched = self._texts()
            return None
        raise ValueError(f"unknown record {letter:#x} at byte {self._at - 1}")

    def _event(self, letter: int) -> Event:
        line, depth, frame, code = self._number(), self._number(), self._number(), self._code()
        changes = self._changes(code)
        value = self._text() if letter in wire.VALUED_EVENTS else None
        return Event(wire.EVENTS[letter], line, depth, frame, code, changes, value)

    def _note(self, letter: int) -> Note:
        kind: NoteKind = chr(letter)  # type: ignore[assignment]  # one of the letters of `wire.NOTES`
        layout, node, frame = wire.NOTES[letter], self._number(), self._number()
        if layout == "text":
            return Note(kind, node, frame, text=self._text())
        if layout == "truth":
            return Note(kind, node, frame, truth=self._number() != 0)
        if layout == "texts":
            return Note(kind, node, frame, texts=self._texts())
        if layout == "nothing":
            return Note(kind, node, frame)
        changes = self._changes(self._code())
        return Note(kind, node, frame, changes, self._text() if layout == "changes and text" else "")

    def _watched_changes(self) -> Watched:
        changes: list[Changed] = []
        for _ in range(self._count()):
            name = self._name(self._watched)
            changes.append(Changed(name, self._optional_text(), ()))
        return Watched(tuple(changes))

    def _changes(self, code: Code) -> tuple[Changed, ...]:
        visible = code.names + self._watched
        changes: list[Changed] = []
        for _ in range(self._count()):
            name, text = self._name(code.names), self._optional_text()
            aliases = tuple(self._name(visible) for _ in range(self._count()))
            changes.append(Changed(name, text, aliases))
        return tuple(changes)

    def _definition(self) -> None:
        serial, function, line, free = self._number(), self._text(), self._number(), self._number()
        names = self._texts()
        if serial > len(self._codes) or free > len(names):
            raise ValueError(f"code {serial} is numbered out of turn, or captures too much")
        self._codes[serial] = Code(function, line, names, free)

    def _code(self) -> Code:
        serial = self._number()
        if serial not in self._codes:
            raise ValueError(f"undefined code {serial}")
        return self._codes[serial]

    def _name(self, names: tuple[str, ...]) -> str:
        index = self._number()
        if index >= len(names):
            raise ValueError(f"name {index} of {len(names)}")
        return names[index]

    def _texts(self) -> tuple[str, ...]:
        return tuple(self._text() for _ in range(self._count()))

    def _count(self) -> int:
        """A number of things that follow, each of at least a byte."""
        count = self._number()
        if count > len(self._data) - self._at:
            raise ValueError(f"{count} things in {len(self._data) - self._at} bytes")
        return count

    def _optional_text(self) -> str | None:
        length = self._number()
        return self._cut(length - 1) if length else None

    def _text(self) -> str:
        return self._cut(self._number())

    def _cut(self, length: int) -> str:
        end = self._at + length
        if end > len(self._data):
            raise ValueError("record text ends early")
        text = self._data[self._at : end].decode()  # a UnicodeDecodeError is a ValueError
        self._at = end
        return text

    def _byte(self) -> int:
        at = self._at
        self._at = at + 1
        return self._data[at]  # behind the end an IndexError, see `decode`

    def _number(self) -> int:
        at = self._at
        byte = self._data[at]
        self._at = at + 1
        if byte < 0x80:  # nearly all are of one byte
            return byte
        self._at = at
        return self._long_number()

    def _long_number(self) -> int:
        number = shift = 0
        while (byte := self._byte()) >= 0x80:
            number |= (byte & 0x7F) << shift
            shift += 7
            if shift > 28:
                raise ValueError("record number is too long")
        number |= byte << shift
        if number >= _LARGEST:
            raise ValueError(f"record number {number} is too large")
        return number


def decode(buffer: bytes | bytearray | memoryview) -> Notes:
    """What is in a recorder's buffer. It is copied first: its writer may still be running and hostile."""
    data = bytes(buffer)
    committed = int.from_bytes(data[:HEADER_BYTES], "little")
    if committed > len(data) - HEADER_BYTES:
        raise ValueError(f"a buffer of {len(data)} bytes claims {committed}")
    records = data[HEADER_BYTES : HEADER_BYTES + committed]
    if _decode_in_c is not None:
        return Notes(*_decode_in_c(records, _KINDS, _LAYOUTS, Event, Note, Watched, Changed, Code))
    return decode_in_python(records)


def decode_in_python(records: bytes) -> Notes:
    """What the C extension does: its oracle, and what is used where it is missing."""
    try:
        return Reader(records).notes()
    except IndexError as error:
        raise ValueError("record ends early") from error


def _layouts() -> bytes:
    """By byte, a letter for what follows it: what `_reader.c` switches on."""
    table = bytearray(256)
    for letter, layout in wire.NOTES.items():
        table[letter] = ord(_LAYOUT_LETTERS[layout])
    for letter in wire.EVENTS:
        table[letter] = ord("v" if letter in wire.VALUED_EVENTS else "e")
    for letter in (wire.DEFINITION, wire.WATCHED, wire.WATCHED_CHANGES):
        table[letter] = letter
    return bytes(table)


_LAYOUT_LETTERS: dict[Layout, str] = {
    "changes": "c",
    "changes and text": "h",
    "text": "t",
    "truth": "b",
    "texts": "s",
    "nothing": "n",
}
_LAYOUTS = _layouts()
_KINDS = tuple(wire.EVENTS.get(letter, chr(letter)) for letter in range(256))
_decode_in_c = getattr(extension, "decode_notes", None)
