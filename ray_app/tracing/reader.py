"""Reading a recorder's buffer in the trusted process: the bytes may have been forged by the program that was traced.

The C extension does it where there is one (`_reader.c`), `Reader` elsewhere: the same trace, or both a ValueError.
"""

from ray_app.tracing.extension import extension
from ray_app.tracing.model import Change, Event, EventKind, Trace
from ray_app.tracing.wire import DEFINITION, HEADER_BYTES, LETTERS, TRUNCATION, VALUED

KINDS: dict[int, EventKind] = {letter: kind for kind, letter in LETTERS.items()}
_LARGEST = 2**31


class Reader:
    """Decodes records that may have been forged: whatever the bytes are, a ValueError or a well-formed Trace."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._codes: dict[int, tuple[str, tuple[str, ...]]] = {}

    def trace(self) -> Trace:
        events: list[Event] = []
        while self._at < len(self._data):
            tag = self._byte()
            if tag in KINDS:
                events.append(self._event(tag))
            elif tag == DEFINITION:
                self._definition()
            elif tag == TRUNCATION:
                if self._at != len(self._data):
                    raise ValueError("trace records follow the truncation mark")
                return Trace(tuple(events), truncated=True)
            else:
                raise ValueError(f"unknown trace record {tag:#x} at byte {self._at - 1}")
        return Trace(tuple(events))

    def _event(self, tag: int) -> Event:
        line, depth, frame, code = self._number(), self._number(), self._number(), self._number()
        if code not in self._codes:
            raise ValueError(f"event of undefined code {code}")
        function, names = self._codes[code]
        count = self._number()
        if count > len(names):
            raise ValueError(f"event with {count} changes of {len(names)} variables")
        changes = tuple(self._change(names) for _ in range(count))
        value = self._text(self._number()) if tag in VALUED else None
        return Event(KINDS[tag], line, depth, frame, function, changes, value)

    def _change(self, names: tuple[str, ...]) -> Change:
        index, length = self._number(), self._number()
        if index >= len(names):
            raise ValueError(f"change of variable {index} of {len(names)}")
        return Change(names[index], self._text(length - 1) if length else None)

    def _definition(self) -> None:
        code, function = self._number(), self._text(self._number())
        if code > len(self._codes):
            raise ValueError(f"code {code} is numbered out of turn")
        count = self._number()
        if count > len(self._data):
            raise ValueError(f"code with {count} names")
        self._codes[code] = (function, tuple(self._text(self._number()) for _ in range(count)))

    def _byte(self) -> int:
        if self._at >= len(self._data):
            raise ValueError("trace record ends early")
        self._at += 1
        return self._data[self._at - 1]

    def _number(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 28:
                raise ValueError("trace number is too long")
        if number >= _LARGEST:
            raise ValueError(f"trace number {number} is too large")
        return number

    def _text(self, length: int) -> str:
        end = self._at + length
        if end > len(self._data):
            raise ValueError("trace text ends early")
        text = self._data[self._at : end].decode()  # a UnicodeDecodeError is a ValueError
        self._at = end
        return text


def decode(buffer: bytes | bytearray | memoryview) -> Trace:
    """The trace in a recorder's buffer. The buffer is copied first: its writer may still be running and hostile."""
    data = bytes(buffer)
    committed = int.from_bytes(data[:HEADER_BYTES], "little")
    if committed > len(data) - HEADER_BYTES:
        raise ValueError(f"trace buffer of {len(data)} bytes claims {committed}")
    records = data[HEADER_BYTES : HEADER_BYTES + committed]
    if extension is None:
        return Reader(records).trace()
    return Trace(*extension.decode(records, LETTERS, Event, Change))
