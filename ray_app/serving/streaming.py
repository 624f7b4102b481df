"""From the engine's thread to an event loop, and from the deltas of a call's generations to server-sent events."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from ray_app.errors import EngineError
from ray_app.serving import openai_api as api
from ray_app.serving.generation import Delta, Generation, merge

Source = Callable[[Generation], AsyncIterator[list[Delta]]]
_Inbox = asyncio.Queue[tuple[int, list[Delta] | Exception | None]]


class Inbox:
    """Carries deltas from the engine's thread to one reader on an event loop, which it wakes only when it must.

    Every wake-up takes the interpreter from the engine, so a reader that has just handed something out says how long
    it can wait for more; only the end of a choice, or an error, wakes it sooner.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._items: deque[Delta | EngineError] = deque()
        self._wake = asyncio.Event()
        self._patient = False

    def put(self, item: Delta | EngineError) -> None:
        """Called by the engine's thread."""
        self._items.append(item)
        if not self._patient or isinstance(item, EngineError) or item.finish is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    async def take(self, pause_s: float = 0.0) -> list[Delta]:
        """What has arrived after `pause_s`, or at the end of a choice, or as soon as there is something at all.

        Raises the EngineError that arrived.
        """
        if pause_s:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause_s)
        self._patient = False
        self._wake.clear()
        while not self._items:
            await self._wake.wait()
            self._wake.clear()
        self._patient = True  # until the reader is back
        taken: list[Delta] = []
        while self._items:
            item = self._items.popleft()
            if isinstance(item, EngineError):
                raise item
            taken.append(item)
        return taken


async def events(call: api.Call, source: Source) -> AsyncIterator[str]:
    """The server-sent events of a call, all its generations side by side."""
    inbox: _Inbox = asyncio.Queue()
    tasks = [asyncio.create_task(_pump(i, source, g, inbox)) for i, g in enumerate(call.generations)]
    last: list[dict[int, Delta]] = [{} for _ in tasks]
    running = len(tasks)
    try:
        while running:
            index, item = await inbox.get()
            if item is None:
                running -= 1
            elif isinstance(item, Exception):
                raise item
            else:
                yield "".join(_chunks(call, index, item, last[index]))
        if call.usage_chunk:
            yield api.sse(api.usage_chunk(call, [list(deltas.values()) for deltas in last]))
        yield api.SSE_DONE
    finally:
        for task in tasks:
            task.cancel()


def _chunks(call: api.Call, index: int, deltas: Sequence[Delta], last: dict[int, Delta]) -> list[str]:
    """Deltas that arrived together become one chunk per choice."""
    together: dict[int, Delta] = {}
    for delta in deltas:
        together[delta.choice] = merge(together[delta.choice], delta) if delta.choice in together else delta
    lines = [api.sse(api.chunk(call, index, delta, first=choice not in last)) for choice, delta in together.items()]
    last.update(together)
    return lines


async def _pump(index: int, source: Source, generation: Generation, inbox: _Inbox) -> None:
    """Carry one generation's deltas, or its error, into the inbox that all generations of a call share."""
    try:
        async for deltas in source(generation):
            inbox.put_nowait((index, deltas))
    except Exception as error:  # the task's boundary: whatever broke, who reads the inbox must not wait for ever
        inbox.put_nowait((index, error))
    else:
        inbox.put_nowait((index, None))


class Resumable:
    """What a stream has handed out, so that another replica's run of the same request goes on where it broke."""

    def __init__(self) -> None:
        self._sent: dict[int, tuple[str, int]] = {}  # text and number of scored tokens handed out, by choice
        self._repeated: dict[int, tuple[str, int]] = {}  # the same for the run that is repeating them

    def restart(self) -> None:
        """The next deltas come from a new run."""
        self._repeated = {}

    def fresh(self, delta: Delta) -> Delta | None:
        """The part of a delta that the client has not had; EngineError if the new run differs from the old one.

        None where there is nothing new in it.
        """
        sent_text, sent_tokens = self._sent.get(delta.choice, ("", 0))
        text, tokens = self._repeated.get(delta.choice, ("", 0))
        text, tokens = text + delta.text, tokens + len(delta.tokens)
        self._repeated[delta.choice] = (text, tokens)
        if not (text.startswith(sent_text) or sent_text.startswith(text)):
            raise EngineError("the model's replica died and another one continued differently: ask again")
        new_text, new_tokens = text[len(sent_text) :], delta.tokens[len(delta.tokens) - max(tokens - sent_tokens, 0) :]
        if not new_text and not new_tokens and delta.finish is None:
            return None
        self._sent[delta.choice] = (max(text, sent_text, key=len), max(tokens, sent_tokens))
        return replace(delta, text=new_text, tokens=new_tokens)
