"""The endpoint on Ray Serve: a gateway that speaks HTTP, and one deployment per model behind it.

With vLLM, Ray Serve LLM's own application takes the gateway's place: see `llm`.

    client -> Serve proxy -> Gateway -> Model "base"   (1..n replicas, each with its own engine)
                                     -> Model "tuned"

`run` and `stop` are for pipelines, `build` for `serve deploy cluster/serve.yaml`. What happens when a replica dies, see
`replicas`.
"""

import asyncio
import contextlib
import hmac
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
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
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ray_app.errors import ClusterError, EngineError, InputError, SemrayError
from ray_app.serving import openai_api as api
from ray_app.serving import replicas, vllm
from ray_app.serving.generation import EngineOptions
from ray_app.serving.streaming import events

APP = "semray"
LOOPBACK = "127.0.0.1"
_CONTROLLER = "SERVE_CONTROLLER_ACTOR"
_STOP_S = 120.0
R = TypeVar("R")
PAGE = Path(__file__).with_name("page.html")
_WORKBENCH = {
    "ray_actor_options": {"num_cpus": 0.1},
    "max_ongoing_requests": 64,
    "autoscaling_config": {"min_replicas": 1, "max_replicas": 16, "target_ongoing_requests": 8},
}


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Where and how one model runs.

    `num_cpus` and `num_gpus` are what one replica asks of Ray; the engine's threads are set in `engine`. Between
    `min_replicas` and `max_replicas` run, one for every `target_queue` requests in flight; beyond `max_queued` waiting
    requests clients get status 429. A replica that is stopped finishes its requests for up to `drain_s` seconds.
    `kind` "vllm" serves through Ray Serve LLM's own application, on `num_gpus` GPUs a replica: `vllm` holds vLLM's own
    arguments, `llm` further fields of Ray's LLMConfig (a lora_config, say), and `engine` is then unused.
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
    llm: Mapping[str, Any] = field(default_factory=dict)


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
            replicas.known(self._models, name)
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
            handle = replicas.known(self._models, call.model)
            if not call.stream:
                results = await asyncio.gather(
                    *(replicas.complete(handle, generation) for generation in call.generations)
                )
                return JSONResponse(api.response(call, results))
            chunks = events(call, partial(replicas.stream, handle))
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
    workbench = cast(Any, replicas.Workbench).options(**_WORKBENCH).bind()
    if options.kind == "vllm":
        return _on_vllm(models, options, workbench, api_key, limits or api.RequestLimits())
    handles = {name: _model(name, path, options) for name, path in models.items()}
    gateway = Gateway.options(ray_actor_options={"num_cpus": 0.1}, graceful_shutdown_timeout_s=options.drain_s)
    return gateway.bind(handles, workbench, api_key, limits or api.RequestLimits())


def _on_vllm(
    models: Mapping[str, str],
    options: ModelOptions,
    workbench: Application,
    api_key: str | None,
    limits: api.RequestLimits,
) -> Application:
    """Ray Serve LLM's own application with our workbench; it needs vLLM here too, where it is put together."""
    try:
        from ray_app.serving import llm
    except ImportError as error:
        raise EngineError(
            f"models {', '.join(models)} ask for vLLM, which {socket.gethostname()} has not ({error}): run `make "
            "install-gpu` on every node"
        ) from error
    scaling = {**_scaling(options), "max_queued_requests": options.max_queued}
    configs = [
        vllm.llm_config(name, model, options.num_gpus, scaling, options.vllm, options.llm)
        for name, model in models.items()
    ]
    return llm.build(configs, workbench, api_key, limits)


def _scaling(options: ModelOptions) -> dict[str, Any]:
    """How many replicas a model's deployment has, and how much each takes at a time, in Serve's words."""
    replicas_: dict[str, Any] = {"num_replicas": options.min_replicas}
    if options.max_replicas > options.min_replicas:
        replicas_ = {
            "autoscaling_config": {
                "min_replicas": options.min_replicas,
                "max_replicas": options.max_replicas,
                "target_ongoing_requests": options.target_queue,
            }
        }
    return {
        **replicas_,
        "max_ongoing_requests": 2 * options.target_queue,
        "graceful_shutdown_timeout_s": options.drain_s,
        "graceful_shutdown_wait_loop_s": 1.0,
    }


def _model(name: str, path: str, options: ModelOptions) -> Application:
    deployment = cast(Any, replicas.Model).options(
        name=_deployment(name),
        ray_actor_options={"num_cpus": options.num_cpus, "num_gpus": options.num_gpus},
        max_queued_requests=options.max_queued,
        **_scaling(options),
    )
    return deployment.bind(path, options.engine)


def _deployment(name: str) -> str:
    """The name of a model's deployment; that of a hub's model has a slash, which Serve's own names may not have."""
    return f"model-{name.replace('/', '--')}"


def run(
    models: Mapping[str, str],
    *,
    host: str = LOOPBACK,
    port: int = 8000,
    options: ModelOptions = ModelOptions(),
    api_key: str | None = None,
    limits: api.RequestLimits | None = None,
    name: str = APP,
) -> str:
    """Serve models on the connected Ray cluster; returns the base URL for OpenAI clients once all of them answer.

    The head listens, at `host` and `port` (0: any free one); a second call of the same `name` replaces the models.
    Where Serve runs already for other applications, theirs stay: ours comes under its own path, at their address.
    Raises EngineError when a model cannot be loaded, ClusterError when the port is taken or others could not reach it.
    """
    if not ray.is_initialized():
        raise ClusterError("no Ray cluster is connected: start one with cluster.session before serving")
    application_ = application(models, options, api_key=api_key, limits=limits)
    others = _others(name)
    if serve.status().proxies:
        host, port = _address_of_serve(host)
    else:
        port = port or _on_head(_free_port, host)
        if _on_head(_taken, host, port):
            raise ClusterError(f"port {port} on {host} is taken: choose another one")
        serve.start(proxy_location="HeadOnly", http_options={"host": host, "port": port})
    path = f"/{name}" if others else "/"
    try:
        serve.run(application_, name=name, route_prefix=path, logging_config=LoggingConfig(enable_access_log=False))
    except RuntimeError as error:
        raise EngineError(f"the models could not be served: {_deploy_failure(name) or error}") from error
    return f"http://{host}:{port}{path.rstrip('/')}/v1"


def _others(name: str) -> list[str]:
    """The applications that Serve runs for somebody else."""
    return [other for other in serve.status().applications if other != name]


def head_address() -> str:
    """The address by which the nodes of the connected cluster reach its head."""
    return _head()["NodeManagerAddress"]


def _head() -> dict[str, Any]:
    return next(node for node in ray.nodes() if node["Alive"] and "node:__internal_head__" in node["Resources"])


def _address_of_serve(host: str) -> tuple[str, int]:
    """Where the Serve that runs listens. ClusterError where that is loopback and `host`, for others, is not."""
    controller = ray.get_actor(_CONTROLLER, namespace="serve")
    there: Any = ray.get(controller.get_http_config.remote())
    address = head_address() if there.host in ("0.0.0.0", "::", "") else str(there.host)
    if address == LOOPBACK and host != LOOPBACK:
        raise ClusterError(
            "Ray Serve runs already and listens on loopback only, where other nodes cannot reach it: stop it (`serve "
            "shutdown`), deploy it with http_options.host 0.0.0.0 and an api_key, or name an endpoint (--endpoint URL)"
        )
    return address, int(there.port)


def _on_head(function: Callable[..., R], *arguments: Any) -> R:
    """What a function returns on the head's machine, where Serve listens; the driver may be elsewhere."""
    there = NodeAffinitySchedulingStrategy(_head()["NodeID"], soft=False)
    remote: Any = ray.remote(function)
    return cast("R", ray.get(remote.options(num_cpus=0, scheduling_strategy=there).remote(*arguments)))


def stop(name: str = APP) -> None:
    """Stop serving, after the requests in flight have been answered; applications of others stay."""
    if _others(name):
        serve.delete(name)
        return
    # serve.shutdown alone waits for an answer of the controller until that is killed, of which Ray complains.
    with contextlib.suppress(ValueError):  # no controller: nothing serves
        ray.get(ray.get_actor(_CONTROLLER, namespace="serve").graceful_shutdown.remote(wait=False))
        until = time.monotonic() + _STOP_S
        while time.monotonic() < until:
            ray.get_actor(_CONTROLLER, namespace="serve")
            time.sleep(0.1)
    serve.shutdown()


def build(args: dict[str, Any]) -> Application:
    """The builder that `cluster/serve.yaml` names: `models`, and optionally `options`, `limits` and `api_key`.

    The key may also be in the node's environment, as SEMRAY_API_KEY.
    """
    unknown = set(args) - {"models", "options", "limits", "api_key"}
    if unknown:
        raise InputError(f"unknown key {sorted(unknown)[0]!r} in the args of serve.yaml: use models, options, limits")
    raw = dict(args.get("options") or {})
    engine = _record(EngineOptions, raw.pop("engine", None), "options.engine")
    options = _record(ModelOptions, {**raw, "engine": engine}, "options")
    limits = _record(api.RequestLimits, args.get("limits"), "limits")
    key = args.get("api_key") or os.environ.get("SEMRAY_API_KEY")
    return application(args.get("models") or {}, options, api_key=key, limits=limits)


def _record(kind: type[R], values: Mapping[str, Any] | None, where: str) -> R:
    try:
        return kind(**(values or {}))
    except TypeError as error:
        raise InputError(f"{where} of serve.yaml: {error}") from error


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def _taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _deploy_failure(name: str) -> str:
    """The reason that Serve recorded for a failed deployment."""
    status = serve.status().applications.get(name)
    if status is None:
        return ""
    messages = [deployment.message for deployment in status.deployments.values() if deployment.message]
    return (messages or [status.message])[0].strip().splitlines()[-1] if (messages or status.message) else ""
