"""The deployments behind the gateway, and how a request gets through although replicas die.

A request whose replica dies is run again on another replica. Because the gateway gives every request a seed, the new
run repeats the old one, so a stream goes on where it broke; where rounding made it differ, the client gets an error.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeVar

from ray import serve
from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle

from ray_app.errors import EngineError, InputError
from ray_app.sandbox.api import execute, run
from ray_app.serving import openai_api as api
from ray_app.serving import run_code as fusion
from ray_app.serving import tools, vllm
from ray_app.serving.generation import Delta, EngineOptions, Generation, merge
from ray_app.serving.streaming import Inbox, Resumable

R = TypeVar("R")
Kind = Literal["ours", "vllm"]
_PIECES_PER_S = 32  # pieces that one replica hands out, all its streams together; each costs it 2 ms
_WHOLE_S = 10.0  # who waits for a whole answer looks this often, and when it ends
_ATTEMPTS = 4  # runs of one request before a dying replica is reported


async def _whole(parts: AsyncIterator[list[Delta]]) -> list[Delta]:
    """One finished delta per choice."""
    whole: dict[int, Delta] = {}
    async for deltas in parts:
        for delta in deltas:
            whole[delta.choice] = merge(whole[delta.choice], delta) if delta.choice in whole else delta
    return [whole[choice] for choice in sorted(whole)]


@serve.deployment
class Model:
    """One replica of one model."""

    def __init__(self, path: str, options: EngineOptions) -> None:
        from ray_app.models import resolve
        from ray_app.serving.engine import TransformersEngine

        self._engine = TransformersEngine(resolve(path), options)
        self._streams = 0

    async def complete(self, generation: Generation) -> list[Delta]:
        """All choices of one generation, finished."""
        return await _whole(self._deltas(generation, lambda: _WHOLE_S))

    async def stream(self, generation: Generation) -> AsyncGenerator[list[Delta]]:
        """The deltas of one generation: the first at once, then as many at a time as a bounded number of pieces needs.

        Each piece costs milliseconds in three processes, so with many streams open each gets larger pieces less often.
        """
        self._streams += 1
        try:
            async for deltas in self._deltas(generation, lambda: self._streams / _PIECES_PER_S):
                yield deltas
        finally:
            self._streams -= 1

    async def _deltas(self, generation: Generation, pause_s: Callable[[], float]) -> AsyncIterator[list[Delta]]:
        inbox = Inbox(asyncio.get_running_loop())
        cancel = self._engine.submit(generation, inbox.put)
        unfinished = generation.n
        try:
            deltas = await inbox.take()
            while True:
                unfinished -= sum(delta.finish is not None for delta in deltas)
                yield deltas
                if not unfinished:
                    return
                deltas = await inbox.take(pause_s())
        finally:
            if unfinished:
                cancel()

    def check_health(self) -> None:
        """Called by Serve, which replaces the replica when this raises."""
        self._engine.check()

    def ping(self) -> int:
        """The context length, once the model can answer."""
        self._engine.check()
        return self._engine.context


@serve.deployment
class Workbench:
    """Runs hostile code: one replica holds one sandbox, which starts at its first use, and takes one task at a time.

    In one thread also because CPython before 3.13 can fail where two threads parse at once.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="workbench")

    async def _do(self, work: Callable[..., R], *arguments: Any) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    async def trace(self, body: api.Json) -> api.Json:
        """See `tools.trace`."""
        return await self._do(tools.trace, body, execute)

    async def verify(self, body: api.Json) -> api.Json:
        """See `tools.verify`."""
        return await self._do(tools.verify, body, execute)

    async def run_code(self, body: api.Json) -> api.Json:
        """See `run_code.run_code`."""
        return await self._do(fusion.run_code, body, run)

    async def debug(self, body: api.Json, models: dict[str, DeploymentHandle], kind: Kind = "ours") -> api.Json:
        """See `tools.Debugging`; `models` are those that may be asked, replicas of ours or servers of Ray Serve LLM."""
        work = await self._do(tools.Debugging, body, execute)
        if work.model is None or not work.fails:
            return await self._do(work.answer, [])
        generation = Generation(
            work.messages(), max_tokens=work.max_tokens, temperature=work.temperature, n=work.attempts
        )
        handle = known(models, work.model)
        ours = kind == "ours"
        replies = await (complete(handle, generation) if ours else complete_on_vllm(handle, work.model, generation))
        return await self._do(work.answer, [reply.text for reply in replies])


def known(models: Mapping[str, DeploymentHandle], name: str) -> DeploymentHandle:
    if name not in models:
        known = ", ".join(models)
        raise api.ApiError(404, f"no model {name!r} here; there is {known}", param="model", code="model_not_found")
    return models[name]


async def complete_on_vllm(server: DeploymentHandle, name: str, generation: Generation) -> list[Delta]:
    """All answers of one chat by a server of Ray Serve LLM."""
    from ray.serve.llm import openai_api_models

    try:
        ask = openai_api_models.ChatCompletionRequest(**vllm.chat(generation, name))
    except ValueError as error:
        raise InputError(str(error)) from error
    parts: Any = server.options(stream=True)
    async for part in parts.chat.remote(ask):
        return vllm.answers(part.model_dump())
    raise EngineError(f"model {name!r} gave no answer")


async def complete(handle: DeploymentHandle, generation: Generation) -> list[Delta]:
    for attempt in range(_ATTEMPTS):
        try:
            return await handle.complete.remote(generation)
        except (RayActorError, BackPressureError, DeploymentUnavailableError) as error:
            await _try_again(attempt, error)
    raise EngineError("unreachable: the last attempt raises")


async def stream(handle: DeploymentHandle, generation: Generation) -> AsyncIterator[list[Delta]]:
    """The deltas of one generation, from as many replicas as it takes."""
    seen = Resumable()
    for attempt in range(_ATTEMPTS):
        seen.restart()
        try:
            response: Any = handle.options(stream=True).stream.remote(generation)
            async for deltas in response:
                if fresh := [new for delta in deltas if (new := seen.fresh(delta)) is not None]:
                    yield fresh
            return
        except (RayActorError, BackPressureError, DeploymentUnavailableError) as error:
            await _try_again(attempt, error)


async def _try_again(attempt: int, error: Exception) -> None:
    """Wait before the next attempt, or raise what the client should see."""
    if isinstance(error, BackPressureError):
        raise api.ApiError(429, "too many requests are waiting: retry later", code="queue_full") from error
    if isinstance(error, DeploymentUnavailableError) or attempt + 1 == _ATTEMPTS:
        raise EngineError(f"the model's replica died {attempt + 1} times while it ran this request") from error
    await asyncio.sleep(0.1 * 2**attempt)
