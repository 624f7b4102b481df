"""Threads that take turns: each runs when the program waits for it, one after another, always in the same order.

A process in the sandbox has one thread, so a thread that is started waits in a queue. Whoever waits (`join`, a lock
that is held, an empty queue, the end of the program) lets the oldest of the queue run, on the same stack, until it ends
or waits itself. So programs in which threads do work, share locks and pass things through queues run, and always alike.
Two threads that wait for each other in turn cannot go on: RuntimeError says so, and the result is flagged.
"""

import _thread
import sys
import threading
from collections import deque
from typing import Any

from _world import clock as clocks  # type: ignore[import-not-found]
from _world import tracebacks  # type: ignore[import-not-found]

MOST = 64
"""threads that may wait for their turn"""


class Turns:
    """The threads that have been started and have not run yet."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[int, Any, Any, Any]] = deque()
        self.running = [_thread.get_ident()]
        self.started = 0

    def start(self, function: Any, arguments: Any, named: Any, many: bool = False) -> int:
        if len(self.waiting) >= MOST and not many:
            raise RuntimeError("can't start new thread")
        self.started += 1
        identity = self.running[0] + self.started
        self.waiting.append((identity, function, arguments, named))
        return identity

    def run_next(self) -> bool:
        """Lets the oldest thread run; False where none waits."""
        if not self.waiting:
            return False
        identity, function, arguments, named = self.waiting.popleft()
        self.running.append(identity)
        try:
            function(*arguments, **named)
        except SystemExit:
            pass
        except BaseException as error:
            _report(error, None)
        finally:
            self.running.pop()
        return True

    def wait_for(self, ready: Any) -> bool:
        """Runs threads until `ready()`; False where none is left that could make it so."""
        while not ready():
            if not self.run_next():
                return False
        return True


def _refuse() -> None:
    """Says that threads wait for each other, and has it flagged."""
    sys.audit("_thread.start_new_thread", None, (), None)
    raise RuntimeError("the sandbox runs threads one after another: this one waits for another that has begun")


class Lock:
    """`_thread.lock`."""

    def __init__(self) -> None:
        self._held = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if blocking and timeout != -1 and timeout < 0:
            raise ValueError("timeout value must be a non-negative number")
        if not blocking and timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if self._held and blocking and not turns.wait_for(lambda: not self._held):
            if timeout < 0:
                _refuse()
            clocks.clock.advance(timeout)
        taken = not self._held
        self._held = True
        return taken

    def release(self) -> None:
        if not self._held:
            raise RuntimeError("release unlocked lock")
        self._held = False

    def locked(self) -> bool:
        return self._held

    def _at_fork_reinit(self) -> None:
        self._held = False

    acquire_lock, release_lock, locked_lock = acquire, release, locked

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{'locked' if self._held else 'unlocked'} _thread.lock object at {id(self):#x}>"


def _start(function: Any, args: Any, kwargs: Any = None, /) -> int:
    """`_thread.start_new_thread`."""
    if not callable(function):
        raise TypeError("first arg must be callable")
    return turns.start(function, args, kwargs or {})


def _ident() -> int:
    return turns.running[-1]


def _start_thread(self: Any) -> None:
    """`Thread.start`, which does not wait until the thread has begun."""
    if not self._initialized:
        raise RuntimeError("thread.__init__() not called")
    if self._started.is_set():
        raise RuntimeError("threads can only be started once")
    self._started.set()
    self._ident = turns.start(_body_of(self), (), {})
    self._set_native_id()
    threading._active[self._ident] = self  # type: ignore[attr-defined]


def _body_of(thread: Any) -> Any:
    def body() -> None:
        try:
            thread.run()
        except SystemExit:
            pass
        except BaseException as error:
            _report(error, thread)
        finally:
            thread._is_stopped = True
            threading._active.pop(thread._ident, None)  # type: ignore[attr-defined]

    return body


def _report(error: BaseException, thread: Any) -> None:
    """What `threading` does with an exception that ended a thread."""
    if threading.excepthook is not threading.__excepthook__:
        threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, thread)))
        return
    text = tracebacks.text_of(error)
    try:
        sys.stderr.write(f"Exception in thread {thread.name if thread else _ident()}:\n{text}")
        sys.stderr.flush()
    except (ValueError, OSError, AttributeError):
        return


def _join(self: Any, timeout: "float | None" = None) -> None:
    if not self._initialized:
        raise RuntimeError("Thread.__init__() not called")
    if not self._started.is_set():
        raise RuntimeError("cannot join thread before it is started")
    if self is threading.current_thread():
        raise RuntimeError("cannot join current thread")
    if not turns.wait_for(lambda: self._is_stopped):
        if timeout is None:
            _refuse()
        clocks.clock.advance(max(0.0, timeout or 0.0))


def _is_alive(self: Any) -> bool:
    return bool(self._started.is_set() and not self._is_stopped)


def run_all() -> None:
    """What the interpreter does at its end: waits for all threads but daemons."""
    while any(not thread.daemon for thread in list(threading._active.values()) if thread.is_alive()  # type: ignore
              and thread is not threading.main_thread()) and turns.run_next():  # fmt: skip
        continue


def _take_one(self: Any) -> None:
    """What an executor does for each task: one turn, in which the oldest task runs."""

    def run_oldest() -> None:
        item = self._work_queue.get_nowait() if self._work_queue.qsize() else None
        if item is not None:
            item.run()

    if self._initializer is not None:
        initializer, self._initializer = self._initializer, None
        initializer(*self._initargs)
    turns.start(run_oldest, (), {}, many=True)


def _shut_down(self: Any, wait: bool = True, *, cancel_futures: bool = False) -> None:
    self._shutdown = True
    while cancel_futures and self._work_queue.qsize():
        self._work_queue.get_nowait().future.cancel()
    if wait:
        turns.wait_for(lambda: not self._work_queue.qsize())


def begin() -> None:
    """Lets executors work, also where the interpreter is at its end already (see `child.arrange`)."""
    futures = sys.modules.get("concurrent.futures.thread")
    if futures is not None:
        vars(futures)["_shutdown"] = False


def install() -> "dict[Any, Any]":
    """Makes these the threads of `threading` and what builds on it; which locks stand for which."""
    thread: Any = threading.Thread
    thread.start, thread.join, thread.is_alive = _start_thread, _join, _is_alive
    futures = sys.modules.get("concurrent.futures.thread")
    if futures is not None:
        executor: Any = vars(futures)["ThreadPoolExecutor"]
        executor._adjust_thread_count, executor.shutdown = _take_one, _shut_down
    simple = vars(sys.modules.get("_queue", threading)).get("SimpleQueue")
    python = {simple: vars(sys.modules["queue"])["_PySimpleQueue"]} if simple is not None else {}
    threading._CRLock = None  # type: ignore[attr-defined]
    return python | {
        _thread.start_new_thread: _start,
        _thread.start_new: _start,  # type: ignore[attr-defined]
        _thread.allocate_lock: Lock,
        _thread.allocate: Lock,  # type: ignore[attr-defined]
        _thread.get_ident: _ident,
        threading.RLock: vars(threading)["_PyRLock"],
    }


turns = Turns()
