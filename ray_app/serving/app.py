"""The endpoint on Ray Serve: a gateway that speaks HTTP, and one deployment per model behind it.

    client -> Serve proxy -> Gateway -> Model "base"   (1..n replicas, each with its own engine)
                                     -> Model "tuned"

`run` and `stop` are for pipelines, `build` for `serve deploy cluster/serve.yaml`.

A request whose replica dies is run again on another replica. Because the gateway gives every request a seed, the new
run repeats the old one, so a stream goes on where it broke; where rounding made it differ, the client gets an error.
"""

import asyncio
import contextlib
import hmac
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import ray
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from ray import serve
from ray.exceptions import RayActorError, RayTaskError
from ray.serve import Application
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle
from ray.serve.schema import LoggingConfig

from ray_app.errors import ClusterError, EngineError, InputError, SemrayError
from ray_app.sandbox.api import execute
from ray_app.serving import openai_api as api
from ray_app.serving import tools, vllm
from ray_app.serving.generation import Delta, EngineOptions, Generation, merge
from ray_app.serving.streaming import Inbox, Resumable, events

APP = "semray"
_CONTROLLER = "SERVE_CONTROLLER_ACTOR"
_STOP_S = 120.0
R = TypeVar("R")
PAGE = Path(__file__).with_name("page.html")
_WORKBENCH = {
    "ray_actor_options": {"num_cpus": 0.1},
    "max_ongoing_requests": 64,
    "autoscaling_config": {"min_replicas": 1, "max_replicas": 16, "target_ongoing_requests": 8},
}
_PIECES_PER_S = 50  # pieces that one replica hands out, all its streams together
_WHOLE_S = 10.0  # who waits for a whole answer looks this often, and when it ends
_ATTEMPTS = 4  # runs of one request before a dying replica is reported


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Where and how one model runs.

    `num_cpus` and `num_gpus` are what one replica asks of Ray; the engine's threads are set in `engine`. Between
    `min_replicas` and `max_replicas` run, one for every `target_queue` requests in flight; beyond `max_queued` waiting
    requests clients get status 429. A replica that is stopped finishes its requests for up to `drain_s` seconds.
    `kind` "vllm" runs the model with Ray Serve LLM on `num_gpus` GPUs a replica; `vllm` holds vLLM's own arguments, and
    `engine` is then unused.
    """

    kind: Literal["transformers", "vllm"] = "transformers"
    num_cpus: float = 0.5
    num_gpus: float = 0.0
    min_replicas: int = 1
    max_replicas: int = 1
    target_queue: int = 32
    max_queued: int = 1024
    drain_s: float = 60.0
    engine: EngineOptions = field(default_factory=EngineOptions)
    vllm: Mapping[str, Any] = field(default_factory=dict)


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
class VllmModel:
    """The same methods over one vLLM server of Ray Serve LLM."""

    def __init__(self, server: DeploymentHandle, name: str, context: int) -> None:
        self._server, self._name, self._context = server, name, context

    async def complete(self, generation: Generation) -> list[Delta]:
        """All choices of one generation, finished."""
        return await _whole(self._deltas(generation))

    async def stream(self, generation: Generation) -> AsyncGenerator[list[Delta]]:
        """The deltas of one generation, as many at a time as are ready."""
        async for deltas in self._deltas(generation):
            yield deltas

    async def _deltas(self, generation: Generation) -> AsyncIterator[list[Delta]]:
        from ray.serve.llm import openai_api_models

        method, document = vllm.request(generation, self._name)
        kind = "ChatCompletionRequest" if method == "chat" else "CompletionRequest"
        try:
            ask = getattr(openai_api_models, kind)(**document)
        except ValueError as error:
            raise InputError(str(error)) from error
        async for pieces in getattr(self._server.options(stream=True), method).remote(ask):
            for event in pieces if isinstance(pieces, list) else [pieces]:
                if not isinstance(event, str):
                    raise vllm.error(event.model_dump()["error"])
                if found := vllm.every_choice(generation, vllm.deltas(event)):
                    yield found

    async def ping(self) -> int:
        """The context length that was asked for (0: the model's own), once the server is healthy."""
        await self._server.check_health.remote()
        return self._context


@serve.deployment
class Workbench:
    """Runs hostile code: one replica holds one sandbox, which starts at its first use."""

    async def trace(self, body: api.Json) -> api.Json:
        """See `tools.trace`."""
        return await asyncio.to_thread(tools.trace, body, execute)

    async def verify(self, body: api.Json) -> api.Json:
        """See `tools.verify`."""
        return await asyncio.to_thread(tools.verify, body, execute)

    async def run_code(self, body: api.Json) -> api.Json:
        """See `tools.run_code`."""
        return await asyncio.to_thread(tools.run_code, body, execute)

    async def debug(self, body: api.Json, models: dict[str, DeploymentHandle]) -> api.Json:
        """See `tools.Debugging`; `models` are those that may be asked."""
        work = await asyncio.to_thread(tools.Debugging, body, execute)
        if work.model is None or not work.fails:
            return await asyncio.to_thread(work.answer, [])
        generation = Generation(
            work.messages(), max_tokens=work.max_tokens, temperature=work.temperature, n=work.attempts
        )
        replies = await _complete(_known(models, work.model), generation)
        return await asyncio.to_thread(work.answer, [reply.text for reply in replies])


def _known(models: Mapping[str, DeploymentHandle], name: str) -> DeploymentHandle:
    if name not in models:
        known = ", ".join(models)
        raise api.ApiError(404, f"no model {name!r} here; there is {known}", param="model", code="model_not_found")
    return models[name]


async def _complete(handle: DeploymentHandle, generation: Generation) -> list[Delta]:
    for attempt in range(_ATTEMPTS):
        try:
            return await handle.complete.remote(generation)
        except (RayActorError, BackPressureError, DeploymentUnavailableError) as error:
            await _try_again(attempt, error)
    raise EngineError("unreachable: the last attempt raises")


async def _stream(handle: DeploymentHandle, generation: Generation) -> AsyncIterator[list[Delta]]:
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


def _api_error(error: Exception) -> api.ApiError:
    """What a client is told: an error that comes from another process without that process's traceback."""
    return api.api_error(error.cause if isinstance(error, RayTaskError) else error)


def _failure(error: Exception) -> Response:
    told = _api_error(error)
    return JSONResponse(told.body(), status_code=told.status)


async def _after(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    """The events of a stream whose status was sent with the first one: a later error becomes an event."""
    yield first
    try:
        async for event in rest:
            yield event
    except (api.ApiError, SemrayError) as error:
        yield api.sse(_api_error(error).body())


# `serve.ingress` copies the class with the globals that exist at this point: what it calls must be defined above it.
_http = FastAPI(title="semray", docs_url=None, redoc_url=None, openapi_url=None)


@serve.deployment(max_ongoing_requests=4096)
@serve.ingress(_http)  # pyright: ignore[reportUntypedClassDecorator]
class Gateway:
    """Speaks HTTP; knows the models by name; holds no model itself."""

    def __init__(
        self,
        models: dict[str, DeploymentHandle],
        workbench: DeploymentHandle,
        api_key: str | None,
        limits: api.RequestLimits,
    ) -> None:
        self._models = models
        self._workbench = workbench
        self._key = api_key
        self._limits = limits
        self._started = int(time.time())

    @_http.get("/health")
    async def health(self) -> dict[str, str]:
        """Whether the gateway answers."""
        return {"status": "ok"}

    @_http.get("/ready")
    async def ready(self) -> Response:
        """Whether every model answers, with its context length."""
        try:
            contexts = await asyncio.gather(*(handle.ping.remote() for handle in self._models.values()))
        except (EngineError, RayActorError, BackPressureError, DeploymentUnavailableError) as error:
            return _failure(api.ApiError(503, f"a model is not ready: {error}", code="engine_unavailable"))
        return JSONResponse({"status": "ok", "context": dict(zip(self._models, contexts, strict=True))})

    @_http.get("/v1/models")
    async def models(self, request: Request) -> Response:
        """The models by name."""
        return await self._answer(request, lambda _: api.models_list(list(self._models), self._started))

    @_http.get("/v1/models/{name:path}")
    async def model(self, request: Request, name: str) -> Response:
        """One model's card."""

        def card(_: bytes) -> api.Json:
            _known(self._models, name)
            return api.model_card(name, self._started)

        return await self._answer(request, card)

    @_http.post("/v1/chat/completions")
    async def chat(self, request: Request) -> Response:
        """OpenAI's chat completions."""
        return await self._generate(request, api.parse_chat)

    @_http.post("/v1/completions")
    async def completions(self, request: Request) -> Response:
        """OpenAI's text completions."""
        return await self._generate(request, api.parse_completion)

    @_http.post("/v1/trace")
    async def trace(self, request: Request) -> Response:
        """Code and a call -> trace, monologue and its verdict."""
        return await self._work(request, self._workbench.trace.remote)

    @_http.post("/v1/verify")
    async def verify(self, request: Request) -> Response:
        """A monologue -> its claims with evidence."""
        return await self._work(request, self._workbench.verify.remote)

    @_http.post("/v1/debug")
    async def debug(self, request: Request) -> Response:
        """Code and a failing test -> diagnosis, patch, and whether the patch passes."""
        return await self._work(request, lambda body: self._workbench.debug.remote(body, self._models))

    @_http.post("/run_code")
    async def run_code(self, request: Request) -> Response:
        """SandboxFusion's interface."""
        return await self._work(request, self._workbench.run_code.remote)

    @_http.get("/")
    async def page(self) -> Response:
        """The page for people."""
        policy = "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"
        return HTMLResponse(PAGE.read_text(encoding="utf-8"), headers={"Content-Security-Policy": policy})

    async def _work(self, request: Request, run: Callable[[api.Json], Any]) -> Response:
        try:
            self._authorize(request)
            return JSONResponse(await run(api.parse_json(await request.body(), self._limits)))
        except (RayActorError, BackPressureError, DeploymentUnavailableError) as error:
            return _failure(api.ApiError(503, f"the sandbox is not available: {error}", code="sandbox_unavailable"))
        except (api.ApiError, SemrayError) as error:
            return _failure(error)

    async def _answer(self, request: Request, reply: Callable[[bytes], api.Json]) -> Response:
        try:
            self._authorize(request)
            return JSONResponse(reply(await request.body()))
        except (api.ApiError, SemrayError) as error:
            return _failure(error)

    async def _generate(self, request: Request, parse: Callable[[bytes, api.RequestLimits], api.Call]) -> Response:
        try:
            self._authorize(request)
            call = parse(await request.body(), self._limits)
            handle = _known(self._models, call.model)
            if not call.stream:
                results = await asyncio.gather(*(_complete(handle, generation) for generation in call.generations))
                return JSONResponse(api.response(call, results))
            chunks = events(call, partial(_stream, handle))
            first = await anext(chunks)  # an error before the first token still gets its own status
        except (api.ApiError, SemrayError) as error:
            return _failure(error)
        return StreamingResponse(_after(first, chunks), media_type="text/event-stream")

    def _authorize(self, request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._key is not None and not hmac.compare_digest(given.encode(), self._key.encode()):
            raise api.ApiError(
                401, "missing or wrong API key: send 'Authorization: Bearer KEY'", code="invalid_api_key"
            )


def application(
    models: Mapping[str, str],
    options: ModelOptions = ModelOptions(),
    *,
    api_key: str | None = None,
    limits: api.RequestLimits | None = None,
) -> Application:
    """The Serve application for models given as {name: packaged name, path or hub id}."""
    if not models:
        raise InputError("no model to serve: give at least one {name: path}")
    handles = {name: _model(name, path, options) for name, path in models.items()}
    gateway = Gateway.options(ray_actor_options={"num_cpus": 0.1}, graceful_shutdown_timeout_s=options.drain_s)
    return gateway.bind(
        handles, cast(Any, Workbench).options(**_WORKBENCH).bind(), api_key, limits or api.RequestLimits()
    )


def _model(name: str, path: str, options: ModelOptions) -> Application:
    scaling: dict[str, Any] = {"num_replicas": options.min_replicas}
    if options.max_replicas > options.min_replicas:
        scaling = {
            "autoscaling_config": {
                "min_replicas": options.min_replicas,
                "max_replicas": options.max_replicas,
                "target_ongoing_requests": options.target_queue,
            }
        }
    limits = {
        "max_ongoing_requests": 2 * options.target_queue,
        "graceful_shutdown_timeout_s": options.drain_s,
        "graceful_shutdown_wait_loop_s": 1.0,
    }
    if options.kind == "vllm":
        return _vllm_model(name, path, options, {**scaling, **limits})
    deployment = cast(Any, Model).options(
        name=f"model-{name}",
        ray_actor_options={"num_cpus": options.num_cpus, "num_gpus": options.num_gpus},
        max_queued_requests=options.max_queued,
        **scaling,
        **limits,
    )
    return deployment.bind(path, options.engine)


def _vllm_model(name: str, path: str, options: ModelOptions, serving: dict[str, Any]) -> Application:
    try:
        from ray.serve.llm import LLMConfig, build_llm_deployment
    except ImportError as error:
        raise EngineError(f"model {name!r} asks for vLLM: pip install 'semray[gpu]' on every node ({error})") from error
    config = vllm.llm_config(name, path, options.num_gpus, serving, options.vllm)
    server = build_llm_deployment(LLMConfig(**config))
    bridge = cast(Any, VllmModel).options(
        name=f"model-{name}",
        ray_actor_options={"num_cpus": 0.1},
        max_ongoing_requests=4096,
        max_queued_requests=options.max_queued,
        graceful_shutdown_timeout_s=options.drain_s,
    )
    return bridge.bind(server, name, int(options.vllm.get("max_model_len", 0)))


def run(
    models: Mapping[str, str],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    options: ModelOptions = ModelOptions(),
    api_key: str | None = None,
    limits: api.RequestLimits | None = None,
) -> str:
    """Serve models on the connected Ray cluster; returns the base URL for OpenAI clients once all of them answer.

    A second call replaces the models; host and port stay those of the first call until `stop`.
    Raises EngineError when a model cannot be loaded, ClusterError when the port is taken.
    """
    if not ray.is_initialized():
        raise ClusterError("no Ray cluster is connected: start one with cluster.session before serving")
    if not serve.status().proxies and _taken(host, port):
        raise ClusterError(f"port {port} on {host} is taken: choose another one")
    application_ = application(models, options, api_key=api_key, limits=limits)
    serve.start(proxy_location="HeadOnly", http_options={"host": host, "port": port})
    try:
        serve.run(application_, name=APP, route_prefix="/", logging_config=LoggingConfig(enable_access_log=False))
    except RuntimeError as error:
        raise EngineError(f"the models could not be served: {_deploy_failure() or error}") from error
    return f"http://{host}:{port}/v1"


def stop() -> None:
    """Stop serving, after the requests in flight have been answered."""
    # serve.shutdown alone waits for an answer of the controller until that is killed, of which Ray complains.
    with contextlib.suppress(ValueError):  # no controller: nothing serves
        ray.get(ray.get_actor(_CONTROLLER, namespace="serve").graceful_shutdown.remote(wait=False))
        until = time.monotonic() + _STOP_S
        while time.monotonic() < until:
            ray.get_actor(_CONTROLLER, namespace="serve")
            time.sleep(0.1)
    serve.shutdown()


def build(args: dict[str, Any]) -> Application:
    """The builder that `cluster/serve.yaml` names: `models`, and optionally `options`, `limits` and `api_key`."""
    unknown = set(args) - {"models", "options", "limits", "api_key"}
    if unknown:
        raise InputError(f"unknown key {sorted(unknown)[0]!r} in the args of serve.yaml: use models, options, limits")
    raw = dict(args.get("options") or {})
    engine = _record(EngineOptions, raw.pop("engine", None), "options.engine")
    options = _record(ModelOptions, {**raw, "engine": engine}, "options")
    limits = _record(api.RequestLimits, args.get("limits"), "limits")
    return application(args.get("models") or {}, options, api_key=args.get("api_key"), limits=limits)


def _record(kind: type[R], values: Mapping[str, Any] | None, where: str) -> R:
    try:
        return kind(**(values or {}))
    except TypeError as error:
        raise InputError(f"{where} of serve.yaml: {error}") from error


def _taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _deploy_failure() -> str:
    """The reason that Serve recorded for a failed deployment."""
    status = serve.status().applications.get(APP)
    if status is None:
        return ""
    messages = [deployment.message for deployment in status.deployments.values() if deployment.message]
    return (messages or [status.message])[0].strip().splitlines()[-1] if (messages or status.message) else ""
