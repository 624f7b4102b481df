"""Real processes under test: everything that a run starts stays in sight, also when its parents are killed."""

import ctypes
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil

_PR_SET_CHILD_SUBREAPER = 36
PATIENCE_S = 60.0


def wait_for(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Returns as soon as the condition holds; TimeoutError names what did not happen."""
    until = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {patience_s:.0f} s: {what}")
        time.sleep(0.05)


def command(process: psutil.Process) -> str:
    """The command line; "" for a process that has ended."""
    with suppress(psutil.Error):
        return " ".join(process.cmdline()) or process.name()
    return ""


def descendants(naming: str = "") -> list[psutil.Process]:
    """The living processes that this one or its descendants started and whose command line contains `naming`."""
    found: list[psutil.Process] = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and naming in command(process):
                found.append(process)
    return found


def kill(process: psutil.Process) -> bool:
    """kill -9; whether it was still there."""
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return False
    return True


@contextmanager
def adopted() -> Iterator[Callable[[], list[psutil.Process]]]:
    """Whatever the block starts is killed when it ends, even what lost its parent: an orphan becomes ours.

    Gives what tells the living ones. Processes that ran before may have new children (a cluster's idle workers).
    """
    before = {process.pid for process in psutil.Process().children()}
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def left() -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for child in psutil.Process().children():
            with suppress(psutil.Error):
                if child.pid not in before and child.status() != psutil.STATUS_ZOMBIE:
                    found += [child, *child.children(recursive=True)]
        return found

    try:
        yield left
    finally:
        for process in left():
            kill(process)
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@contextmanager
def no_orphans() -> Iterator[None]:
    """Whatever the block starts must have ended soon after it; what is left is an AssertionError."""
    with adopted() as left:
        yield
        with suppress(TimeoutError):
            wait_for(lambda: not left(), "all processes end", 20)
        if orphans := [command(process) for process in left()]:
            raise AssertionError(f"still running: {orphans}")
