"""A clock that jumps: sleeping takes no time, and every clock of `time` shows that it was slept.

A whole program has so many seconds, of which what it has slept is a part: who sleeps longer is ended, as it would be
outside. For a call there is no such bound.
"""

import time
from typing import Any

_NS = 1_000_000_000


class Clock:
    """What was slept, and for how long it may be."""

    slept_ns = 0
    most_ns: "int | None" = None
    leave: Any = None

    def sleep(self, seconds: float) -> None:
        """`time.sleep`."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Moves all clocks on."""
        self.slept_ns += int(seconds * _NS)
        if self.most_ns is not None and self.slept_ns > self.most_ns:
            self.leave()


def _shifted(read: Any, unit_ns: int) -> Any:
    """A clock of the machine that also shows what was slept."""
    if unit_ns == 1:
        return lambda: read() + clock.slept_ns
    return lambda: read() + clock.slept_ns / unit_ns


def _sleep(seconds: float, /) -> None:
    clock.sleep(seconds)


def install() -> "dict[Any, Any]":
    """Makes these the clocks of `time`; which stand for which."""
    replaced: dict[Any, Any] = {time.sleep: _sleep}
    for name in ("time", "monotonic", "perf_counter"):
        replaced[getattr(time, name)] = _shifted(getattr(time, name), _NS)
        replaced[getattr(time, f"{name}_ns")] = _shifted(getattr(time, f"{name}_ns"), 1)
    return replaced


clock = Clock()
