"""An event loop for programs in the sandbox: no descriptors, no threads, and a clock that jumps to whatever is next.

`asyncio.sleep(5)` takes no time, as `time.sleep` does, and the order in which tasks wake is that of a real clock. The
module holds nothing but asyncio, as programs can reach its globals; `install` makes it the loop that asyncio starts.
"""

import asyncio
from asyncio import base_events


class _Clock:
    """What the base class takes for its selector: waiting moves the time on, and nothing else ever happens."""

    def __init__(self) -> None:
        self.now = 0.0

    def select(self, timeout: float | None) -> list[object]:
        if timeout is None:
            raise RuntimeError("this event loop waits for ever: no task is ready, and the sandbox has no input")
        self.now += max(0.0, timeout)
        return []


class EventLoop(base_events.BaseEventLoop):
    """Runs callbacks, tasks and timers; what needs a socket, a pipe or a process raises NotImplementedError."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Clock()
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._selector.now

    def _process_events(self, event_list: list[object]) -> None:
        """Nothing happens outside."""

    def _write_to_self(self) -> None:
        """Nobody has to be woken: there is one thread."""


class _Policy(asyncio.DefaultEventLoopPolicy):
    _loop_factory = EventLoop


def install() -> None:
    """Makes asyncio start this loop from now on."""
    asyncio.set_event_loop_policy(_Policy())  # pyright: ignore[reportDeprecated]
    asyncio.SelectorEventLoop = EventLoop  # type: ignore[misc,assignment]
