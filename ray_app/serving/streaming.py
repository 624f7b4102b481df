"""From the deltas of one call's generations to one stream of server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from ray_app.errors import EngineError, InputError
from ray_app.serving import openai_api as api
from ray_app.serving.generation import Delta, Generation, merge

Source = Callable[[Generation], AsyncIterator[list[Delta]]]
_Inbox = asyncio.Queue[tuple[int, list[Delta] | Exception | None]]


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
    except (api.ApiError, InputError, EngineError) as error:
        inbox.put_nowait((index, error))
    else:
        inbox.put_nowait((index, None))


class Resumable:
    """What a stream has handed out, to recognise it when another replica repeats it.

    An engine gives a choice one delta per token, so the same tokens come in the same pieces.
    """

    def __init__(self) -> None:
        self._sent: dict[int, list[str]] = {}
        self._repeated: dict[int, int] = {}

    def restart(self) -> None:
        """The next deltas come from a new run."""
        self._repeated = dict.fromkeys(self._sent, 0)

    def is_new(self, delta: Delta) -> bool:
        """Whether the client has not had this delta yet; EngineError if the new run differs from the old one."""
        sent = self._sent.setdefault(delta.choice, [])
        at = self._repeated.get(delta.choice, len(sent))
        if at == len(sent):
            sent.append(delta.text)
            self._repeated.pop(delta.choice, None)
            return True
        if sent[at] != delta.text:
            raise EngineError("the model's replica died and another one continued differently: ask again")
        self._repeated[delta.choice] = at + 1
        return False
