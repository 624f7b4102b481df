"""The bytes that pass between a client, its server and the children: frames, jobs, answers and the child's slot.

A slot is a piece of shared memory that one child fills and the server reads; the child has no descriptor at all. Its
header says how many bytes of finished records are valid, which call is running and what CPU time that call started at,
so that finished records survive whatever kills the child. A record is a head, the tracer's buffer, and texts; the
tracer writes its buffer in place, so that of a killed call the trace up to that moment remains. Nothing is unpickled.
"""

import struct

VERSION = 5
"""Raised with every change of what passes between server and child, so that no stale C extension is used."""
SLOT_BYTES = 64 * 1024 * 1024
TRACE_BYTES = 8 * 1024 * 1024
HEADER = struct.Struct("<IIQ")
"""Bytes of committed records; index of the running call, counted over all programs of the job; its CPU start in ns."""
_HEAD = struct.Struct("<IIIIIIQ")
HEAD_BYTES = _HEAD.size
"""A record's head: status; bytes of trace, output, exception, stdout and flags (`NONE` for None); CPU ns."""
JOB = struct.Struct("<ddQQ")
"""A job's head: CPU seconds, wall seconds and bytes of memory that each call may use; `TRACING`. What follows is
marshalled: programs (code, calls), and the caps stdout, output and value characters, and trace events."""
ANSWER = struct.Struct("<iIIQIII")
"""Wait status; reason; index of the running call; CPU ns of the child; bytes of denials, records, unfinished trace.
Denials are lines: the index of a call and the number of a system call that it was refused."""
FRAME = struct.Struct("<I")
TRACE_HEADER = struct.Struct("<Q")
ALIGNMENT = 8
"""Records start at multiples of it, for the tracer's sake."""
NONE = 0xFFFFFFFF

OK, EXCEPTION, SYSTEM_EXIT, MEMORY, COMPILE_ERROR, TRUNCATED, TAMPERED, NOT_SHARED = range(8)
"""How a call ended; the last means that its program must run in a child of its own, whatever it did in this one."""
ENDED, CPU_TIMEOUT, WALL_TIMEOUT = range(3)
"""Why the child ended: by itself or by a signal that was not the server's, or killed for one of the limits."""
EXIT_SLOT_FULL, EXIT_NOT_CONFINED, EXIT_TAMPERED, EXIT_SLEPT = 96, 97, 98, 99
"""The last (`world/script.py`): a whole program has slept for longer than it may run."""

NOT_TRACED, TRACED, RECORDED = range(3)
"""`TRACING`: what is recorded of a call. Records with notes are made by servers that were started for them."""

Text = str | None
RecordFields = tuple[int, int, bytes, Text, Text, str, str]
"""Status, CPU ns, the tracer's buffer, output, exception, stdout, flags separated by newlines."""


def pack_record(
    status: int, cpu_ns: int, trace_bytes: int, texts: tuple[Text, Text, Text, Text]
) -> tuple[bytes, bytes]:
    """What comes before and after the trace: texts are output, exception, stdout, flags."""
    encoded = [None if text is None else text.encode("utf-8", "surrogatepass") for text in texts]
    lengths = [NONE if text is None else len(text) for text in encoded]
    return _HEAD.pack(status, trace_bytes, *lengths, cpu_ns), b"".join([text for text in encoded if text is not None])


def unpack_records(data: bytes) -> list[RecordFields]:
    """The records of a slot, in the order in which they were committed."""
    records: list[RecordFields] = []
    position = 0
    while position + _HEAD.size <= len(data):
        status, trace_bytes, *lengths, cpu_ns = _HEAD.unpack_from(data, position)
        position += _HEAD.size
        trace = data[position : position + trace_bytes]
        position += trace_bytes
        texts: list[Text] = []
        for length in lengths:
            size = 0 if length == NONE else length
            try:
                texts.append(
                    None if length == NONE else data[position : position + size].decode("utf-8", "surrogatepass")
                )
            except UnicodeDecodeError:  # the program has reached into what is recorded
                status = TAMPERED
                texts.append(None)
            position += size
        position += -position % ALIGNMENT
        records.append((status, cpu_ns, trace, texts[0], texts[1], texts[2] or "", texts[3] or ""))
    return records
