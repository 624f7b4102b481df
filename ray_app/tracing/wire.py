"""The bytes in which a recorder hands a trace to the process that reads it, safe at every moment of a kill.

Layout: an 8-byte native word, the number of committed bytes, then that many bytes of records. A recorder writes a
record behind the committed ones and then raises the word, so that whatever kills it, what is committed is whole.

    record   "D" id string(name of the function) count string*        defines a code object and its variables' names
             kind line depth frame code count change* [string(value)]  an event; kind is a letter of `KINDS`,
                                                                       the value follows for those in `VALUED`
             "T"                                                       the trace is truncated here
    change   index number: number is 0 if the name is unbound, else 1 + the byte length of the text that follows
    string   byte length, UTF-8 bytes
All numbers are unsigned LEB128.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the traced process need not load what only types need
    from typing_extensions import Buffer

    from ray_app.tracing.model import EventKind

VERSION = 4
SCRIPT_FILENAME = "main.py"
"""The file name of whole programs, whose module is recorded as a frame."""
"""Raised with every change of layout, event semantics or canonical texts, so that no stale C extension is used."""

HEADER_BYTES = 8
LETTERS: "dict[EventKind, int]" = {
    "call": ord("c"),
    "line": ord("l"),
    "return": ord("r"),
    "exception": ord("x"),
    "yield": ord("y"),
    "resume": ord("s"),
}
VALUED = frozenset(b"rxy")
DEFINITION, TRUNCATION = ord("D"), ord("T")


def number(value: int) -> bytes:
    """Unsigned LEB128."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def string(text: str) -> bytes:
    """Length and UTF-8 bytes; a lone surrogate, which only a forged name has, becomes its escape."""
    encoded = text.encode("utf-8", "backslashreplace")
    return number(len(encoded)) + encoded


class Log:
    """Appends records to a writable shared buffer. The traced process holds one; it imports nothing heavy."""

    def __init__(self, buffer: "Buffer") -> None:
        self._bytes = memoryview(buffer).cast("B")
        if len(self._bytes) < 2 * HEADER_BYTES:
            raise ValueError(f"a trace buffer of {len(self._bytes)} bytes is too small")
        self._word = self._bytes[:HEADER_BYTES].cast("Q")
        self._used = 0
        self._word[0] = 0

    def append(self, record: bytes) -> bool:
        """Commits the record; False, and nothing is changed, if it would not leave a byte for the truncation mark."""
        start = HEADER_BYTES + self._used
        if start + len(record) >= len(self._bytes):
            return False
        self._bytes[start : start + len(record)] = record
        self._used += len(record)
        self._word[0] = self._used
        return True

    def truncate(self) -> None:
        """Commits the truncation mark, for which `append` has left room."""
        start = HEADER_BYTES + self._used
        self._bytes[start] = TRUNCATION
        self._word[0] = self._used + 1

    def close(self) -> None:
        self._word.release()
        self._bytes.release()
