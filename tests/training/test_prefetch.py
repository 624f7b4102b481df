"""Items made ahead: the same, in order, with their errors, and no thread that stays behind."""

import threading
import time
from collections.abc import Iterator

import pytest

from ray_app.training.prefetch import ahead


def prefetching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


def test_ahead_gives_the_same_items_in_order() -> None:
    assert list(ahead(iter(range(100)), 3)) == list(range(100))
    assert list(ahead(iter(()), 3)) == []


def test_ahead_makes_items_before_they_are_asked_for_but_not_more_than_told() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    stream = ahead(items(), 3)
    assert next(stream) == 0
    deadline = time.monotonic() + 10
    while len(made) < 4 and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    threading.Event().wait(0.05)
    assert len(made) in (4, 5)  # one taken, three waiting, and perhaps one in the thread's hands
    stream.close()


def test_ahead_raises_where_the_item_would_have_come() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    stream = ahead(items(), 3)
    assert next(stream) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(stream)


def test_ahead_closed_early_ends_its_thread() -> None:
    before = prefetching()
    stream = ahead(iter(range(100)), 2)
    next(stream)
    stream.close()
    for thread in prefetching():
        if thread not in before:
            thread.join(timeout=5)
    assert set(prefetching()) <= set(before)
