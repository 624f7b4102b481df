"""A teacher inside the cluster: vLLM through `ray.data.llm`, for whole batches of questions and without an endpoint.

The engine starts with every call of `complete` that has something new to ask, which takes a minute or more: ask
everything at once. For questions that come one by one, serve the model and use its endpoint.
"""

import importlib.util
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import ray.data
from ray.data.llm import build_processor, vLLMEngineProcessorConfig

from ray_app import models
from ray_app.errors import EngineError, InputError
from ray_app.models import resolve
from ray_app.runner import call
from ray_app.stage import WHERE
from ray_app.teacher.budget import Ledger, Usage
from ray_app.teacher.cache import ReplyCache
from ray_app.teacher.client import Reply, Request


@dataclass(frozen=True, slots=True)
class Engine:
    """A model (packaged, a path or a hub id) that vLLM runs on the cluster's own machines.

    `arguments` go to vLLM under its own names. `gpus` is what one replica occupies, 0 for a vLLM that was built for
    CPUs. Replies are cached under `cache_dir`/`revision`.
    """

    model: str
    revision: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    gpus: int = field(default=1, metadata=WHERE)
    replicas: int = field(default=1, metadata=WHERE)
    batch_size: int = field(default=64, metadata=WHERE)
    cache_dir: str = field(default="", metadata=WHERE)

    def teacher(self) -> "EngineTeacher":
        """The teacher. Who asks needs no vLLM: see `require_vllm`."""
        return EngineTeacher(self)


def require_vllm(model: str, gpus: int) -> None:
    """An EngineError with the remedy unless vLLM is installed where it would run: on the machines with the GPUs."""
    call(_find_vllm, model, num_gpus=min(gpus, 1))


def _find_vllm(model: str) -> None:
    if importlib.util.find_spec("vllm") is None:
        raise EngineError(
            f"{model!r} is to answer inside the cluster, but {socket.gethostname()} has no vLLM: "
            "`make install-gpu` on every node with GPUs, or name an endpoint"
        )


class EngineTeacher:
    """See `Teacher`. A prompt that the engine refuses (too long, for example) is a Reply with an `error`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._ledger = Ledger()
        folder = f"{engine.cache_dir}/{engine.revision or 'default'}"
        self.cache = ReplyCache(folder) if engine.cache_dir else None

    @property
    def name(self) -> str:
        return self.engine.model

    @property
    def usage(self) -> Usage:
        return self._ledger.usage

    def close(self) -> None:
        """Nothing is held between calls."""

    def key(self, request: Request) -> str:
        """What a reply to this request is cached under."""
        return ReplyCache.key(request.body(self.name))

    def complete(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """One reply per request, in order; of `n` texts each is asked for by a seed of its own. InputError for requests
        that are no chats."""
        asked: dict[str, Request] = {}
        order: list[list[str]] = []
        for request in requests:
            if not request.messages:
                raise InputError("the engine inside the cluster answers chats: give messages, no raw prompt")
            single = _single(request)
            order.append([self.key(each) for each in single])
            asked |= dict(zip(order[-1], single, strict=True))
        replies = {key: reply for key in asked if (reply := self._known(key)) is not None}
        self._ledger.count(cached=len(replies))
        missing = {key: request for key, request in asked.items() if key not in replies}
        if missing:
            replies |= dict(self._ask(missing))
        for keys in order:
            yield _together([replies.get(key, Reply((), error="the engine gave no answer")) for key in keys])

    def _ask(self, missing: Mapping[str, Request]) -> Iterator[tuple[str, Reply]]:
        """Asks the engine. Each reply is in the cache before the next one is looked at."""
        rows = [_row(key, request) for key, request in missing.items()]
        for row in processor(self.engine)(ray.data.from_items(rows)).iter_rows():
            found = cast("dict[str, Any]", row)
            error = str(found.get("__inference_error__") or "")
            reply = Reply((), error=error[:300]) if error else _reply(found, missing[found["key"]])
            self._ledger.count(requests=int(not error), failed=int(bool(error)))
            self._ledger.settle(self._ledger.reserve(0, 0), reply.prompt_tokens, reply.completion_tokens)
            if self.cache is not None and not error:
                self.cache.put(found["key"], reply.stored())
            yield found["key"], reply

    def _known(self, key: str) -> Reply | None:
        stored = self.cache.get(key) if self.cache is not None else None
        return None if stored is None else Reply.restored(stored)


def processor(engine: Engine) -> Any:
    """The processor of `ray.data.llm`: rows with messages in, rows with the texts out."""
    config = vLLMEngineProcessorConfig(
        model_source=_source(engine),
        engine_kwargs={"tensor_parallel_size": max(1, engine.gpus), **engine.arguments},
        concurrency=engine.replicas,
        batch_size=engine.batch_size,
        should_continue_on_error=True,
        placement_group_config=None if engine.gpus else {"bundles": [{"CPU": 1}]},
    )
    return build_processor(config, postprocess=_answer)


def _source(engine: Engine) -> str:
    """What vLLM is told to load. A hub id every node resolves for itself; all else is a directory, on the machines that
    have the GPUs: one of a volume that they share (a path under the root, or SEMRAY_CACHE)."""
    if models.on_hub(engine.model):
        return engine.model
    return str(call(resolve, engine.model, num_gpus=min(engine.gpus, 1)))


def _single(request: Request) -> list[Request]:
    """A request for several texts as requests for one each."""
    if request.n == 1:
        return [request]
    return [replace(request, n=1, seed=(request.seed or 0) + number) for number in range(request.n)]


def _together(replies: list[Reply]) -> Reply:
    """The replies to the parts of one request as its reply: the texts that came, an error where none did."""
    if len(replies) == 1:
        return replies[0]
    good = [reply for reply in replies if reply.error is None]
    if not good:
        return replies[0]
    return Reply(
        tuple(text for reply in good for text in reply.texts),
        sum(reply.prompt_tokens for reply in good),
        sum(reply.completion_tokens for reply in good),
        all(reply.cached for reply in good),
        finish_reasons=tuple(reason for reply in good for reason in reply.finish_reasons),
    )


def _row(key: str, request: Request) -> dict[str, Any]:
    sampling: dict[str, Any] = {"max_tokens": request.max_tokens, "temperature": request.temperature}
    if request.seed is not None:
        sampling["seed"] = request.seed
    if request.stop:
        sampling["stop"] = list(request.stop)
    return {"key": key, "messages": [dict(message) for message in request.messages], "sampling_params": sampling}


def _answer(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("key", "generated_text", "num_input_tokens", "num_generated_tokens")}


def _reply(row: Mapping[str, Any], request: Request) -> Reply:
    written = int(row["num_generated_tokens"])
    finish = "length" if written >= request.max_tokens else "stop"
    return Reply((str(row["generated_text"]),), int(row["num_input_tokens"]), written, finish_reasons=(finish,))
