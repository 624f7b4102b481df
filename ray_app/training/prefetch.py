"""The next items of an iterator, made by a thread while the current ones are used."""

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")


class _End:
    """What the thread puts last: the error that ended the items, if one did."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterator[T], count: int) -> Iterator[T]:
    """The same items in the same order, up to `count` of them made before they are asked for.

    An error of `items` is raised where the item would have come. Closing the generator ends the thread.
    """
    made: queue.Queue[T | _End] = queue.Queue(count)
    closed = threading.Event()

    def put(item: "T | _End") -> None:
        while not closed.is_set():
            try:
                made.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def work() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                put(item)
                if closed.is_set():
                    return
        except BaseException as raised:  # it belongs to the consumer, whatever it is
            error = raised
        put(_End(error))

    threading.Thread(target=work, name="prefetch", daemon=True).start()
    try:
        while not isinstance(item := made.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        closed.set()
