"""The bytes that pass between a client, its server and the children: frames, jobs and the child's slot.

A slot is a piece of shared memory that one child fills and the server reads; the child has no descriptor at all. Its
header says how many bytes of finished records are valid, which call is running and what CPU time that call started at,
so that finished records survive whatever kills the child. Nothing here is ever unpickled.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

SLOT_BYTES = 32 * 1024 * 1024
TRACE_BYTES = 4 * 1024 * 1024
HEADER = struct.Struct("<IIQQ")  # bytes of records, index of the running call (from 0), its CPU start in ns, phase
RECORD = struct.Struct("<BBHQIIIII")  # kind, flags, unused, CPU ns, lengths: output, type, message, stdout, trace
END = struct.Struct("<iQII")  # wait status, CPU ns of the child, index of the running call, reason
FRAME = struct.Struct("<I")
NONE = 0xFFFFFFFF

OK, EXCEPTION, SYSTEM_EXIT, MEMORY, COMPILE_ERROR, TRUNCATED, TAMPERED = range(7)
STATUS = ("ok", "exception", "system-exit", "memory", "compile-error", "truncated", "tampered")

ENDED, CPU_TIMEOUT, WALL_TIMEOUT, DENIAL_FLOOD = range(4)
"""Why the server saw the child end: by itself (or by a signal not ours), or killed for one of the limits."""


@dataclass(frozen=True, slots=True)
class Record:
    """What trusted code in the child wrote after one call. `trace` is the tracer's buffer, empty without a tracer."""

    status: int
    cpu_ns: int
    output: str | None
    exception: str | None
    stdout: str
    trace: bytes


def pack_record(
    status: int, cpu_ns: int, output: str | None, exception: str | None, stdout: str, trace_bytes: int
) -> tuple[bytes, bytes]:
    """A record's head and its texts; the trace lies between them, where the tracer wrote it."""
    texts = [None if text is None else text.encode("utf-8", "surrogatepass") for text in (output, exception, stdout)]
    lengths = [NONE if text is None else len(text) for text in texts]
    head = RECORD.pack(status, 0, 0, cpu_ns, lengths[0], lengths[1], 0, lengths[2], trace_bytes)
    return head, b"".join([text for text in texts if text is not None])


def unpack_records(data: bytes) -> list[Record]:
    """The records of a slot, in the order in which they were committed."""
    records: list[Record] = []
    position = 0
    while position + RECORD.size <= len(data):
        status, _, _, cpu_ns, output, exception, _, stdout, trace = RECORD.unpack_from(data, position)
        position += RECORD.size
        trace_bytes = data[position : position + trace]
        position += trace
        texts: list[str | None] = []
        for length in (output, exception, stdout):
            if length == NONE:
                texts.append(None)
            else:
                texts.append(data[position : position + length].decode("utf-8", "surrogatepass"))
                position += length
        records.append(Record(status, cpu_ns, texts[0], texts[1], texts[2] or "", trace_bytes))
    return records


def frame(parts: Sequence[bytes]) -> bytes:
    """One message: its length, then the parts."""
    return FRAME.pack(sum(map(len, parts))) + b"".join(parts)
