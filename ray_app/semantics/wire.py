"""The bytes in which a record is handed over: those of a trace (`ray_app.tracing.wire`) with notes between its events.

record   "D" id string(name) line free count string*     a code object: its first line, its variables' names, of
                                                          which the last `free` ones are captured
         "A" count string*                                the names of what is watched (first, if anything is)
         "G" count (index text)*                          of that, what has changed since it was last looked at
         kind line depth frame code changes [string]      an event of a frame, as in a trace, but without lines;
                                                          "z" is the frame's end by an exception
         kind node frame ...                              a note, see `NOTES` for what follows
         "T"                                              the record is truncated here
changes  count (index text aliases)*
text     number: 0 if unbound, else 1 + the length of the UTF-8 bytes that follow
aliases  count index*: names that hold the same mutable object; those of watched ones begin at the code's count
"""

from typing import Literal

from ray_app.tracing.wire import DEFINITION, TRUNCATION

__all__ = ["DEFINITION", "EVENTS", "NOTES", "TRUNCATION", "WATCHED", "WATCHED_CHANGES", "EventKind", "Layout"]

EventKind = Literal["call", "resume", "return", "yield", "exception", "left"]
Layout = Literal["changes", "changes and text", "text", "truth", "texts", "nothing"]
"""What follows a note: "changes" are those of the frame's variables since its last event or note that had some, with
the code's number before; "texts" have their count before."""

EVENTS: dict[int, EventKind] = {
    ord("c"): "call",
    ord("s"): "resume",
    ord("r"): "return",
    ord("y"): "yield",
    ord("x"): "exception",
    ord("z"): "left",
}
VALUED_EVENTS = frozenset(b"ryxz")
NOTES: dict[int, Layout] = {
    **dict.fromkeys(b"SIWME", "changes"),
    **dict.fromkeys(b"HF", "changes and text"),
    ord("V"): "text",
    ord("R"): "text",
    ord("B"): "truth",
    ord("K"): "texts",
    ord("L"): "nothing",
    ord("Q"): "nothing",
}
WATCHED, WATCHED_CHANGES = ord("A"), ord("G")
