"""How many requests to keep in flight at an endpoint, and how often to start one."""

import contextlib
import threading
import time
from collections.abc import Callable, Generator

FIRST = 8
"""Requests in flight at the start, where so many are allowed."""
_GAIN = 1.05
_LOSS = 0.7


class Flow:
    """Between 1 and `most` places that follow what the endpoint can take (additive increase, multiplicative decrease).

    A round is as many answers as there are places. While rounds bring more tokens per second, places double; once one
    does not, they grow by one a round. A refusal (status 429 or 503, or a time-out) takes half of them, at most once a
    round; a round that is much slower than the best one takes a quarter. Safe to share between threads.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._changed = threading.Condition()
        self._places = min(FIRST, most)
        self._taken = 0
        self._doubling = True
        self._best = 0.0
        self._begin()

    @property
    def places(self) -> int:
        """How many requests may be in flight now."""
        return self._places

    @contextlib.contextmanager
    def place(self) -> Generator[None]:
        """Waits for a free place and holds it for the length of the block."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken < self._places)
            self._taken += 1
        try:
            yield
        finally:
            with self._changed:
                self._taken -= 1
                self._changed.notify()

    def answered(self, tokens: int) -> None:
        """An answer of so many tokens came."""
        with self._changed:
            self._answers += 1
            self._tokens += tokens
            if self._answers >= self._places:
                self._end_round()

    def refused(self) -> None:
        """The endpoint had too much to do."""
        with self._changed:
            self._doubling = False
            if not self._backed_off:
                self._set(self._places // 2)
                self._begin()
                self._backed_off = True

    def _begin(self) -> None:
        self._begun, self._answers, self._tokens, self._backed_off = self._clock(), 0, 0, False

    def _end_round(self) -> None:
        speed = max(self._tokens, self._answers) / max(self._clock() - self._begun, 1e-9)
        if speed < _LOSS * self._best:
            self._doubling = False
            self._best = speed  # what was possible then need not be so now
            self._set(self._places - self._places // 4)
        elif not self._backed_off:
            self._doubling = self._doubling and speed > _GAIN * self._best
            self._best = max(speed, self._best)
            self._set(2 * self._places if self._doubling else self._places + 1)
        self._begin()

    def _set(self, places: int) -> None:
        self._places = max(1, min(places, self._most))
        self._changed.notify_all()


class Pace:
    """Spaces starts evenly: at most `per_minute` of them in any minute; None means no limit."""

    def __init__(self, per_minute: float | None, sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._gap_s = 0.0 if per_minute is None else 60.0 / per_minute
        self._sleep = sleep
        self._clock = clock
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        if not self._gap_s:
            return
        with self._lock:
            now = self._clock()
            start = max(now, self._next)
            self._next = start + self._gap_s
        if start > now:
            self._sleep(start - now)
