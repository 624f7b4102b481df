"""vLLM through Ray Serve LLM's own application, with our workbench beside its routes.

    client -> Serve proxy -> Ingress -> Server "base"    (1..n replicas; chats, completions, tools, structured output,
                                                          LoRA and embeddings are Ray Serve LLM's and vLLM's own)
                                     -> Workbench        (trace, verify, debug, run_code)

Only where vLLM is installed can this module be imported: see `app.application`.
"""

import hmac
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from ray import serve
from ray.exceptions import RayActorError, RayTaskError
from ray.llm._internal.serve.core.configs.openai_api_models import to_model_metadata
from ray.serve import Application
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle
from ray.serve.llm import LLMConfig, build_llm_deployment
from ray.serve.llm.deployment import LLMServer
from ray.serve.llm.ingress import OpenAiIngress, make_fastapi_ingress

from ray_app.errors import SemrayError
from ray_app.models import PACKAGED, resolve
from ray_app.serving import openai_api as api

PAGE = Path(__file__).with_name("page.html")
_GONE = (RayActorError, BackPressureError, DeploymentUnavailableError)
# Ray Serve LLM's routes that make sense for a model of code, by the name of the method behind each.
_THEIRS: dict[str, tuple[str, str]] = {
    "models": ("get", "/v1/models"),
    "model_data": ("get", "/v1/models/{model:path}"),
    "completions": ("post", "/v1/completions"),
    "chat": ("post", "/v1/chat/completions"),
    "tokenize": ("post", "/tokenize"),
    "detokenize": ("post", "/detokenize"),
}
_OURS: dict[str, tuple[str, str]] = {
    "trace": ("post", "/v1/trace"),
    "verify": ("post", "/v1/verify"),
    "debug": ("post", "/v1/debug"),
    "run_code": ("post", "/run_code"),
}
_OPEN: dict[str, tuple[str, str]] = {
    "health": ("get", "/health"),
    "ready": ("get", "/ready"),
    "page": ("get", "/"),
}
"""routes that ask for no key"""


class Server(LLMServer):
    """One vLLM engine. A name that only we know (a packaged model) is resolved here, on the node where it runs."""

    async def __init__(self, llm_config: LLMConfig, **more: Any) -> None:
        engine: Any = llm_config.get_engine_config()
        if engine.hf_model_id in PACKAGED:
            engine.hf_model_id = str(resolve(engine.hf_model_id))
        await cast(Any, super()).__init__(llm_config, **more)


class Ingress(OpenAiIngress):
    """Ray Serve LLM's ingress, which also knows the workbench."""

    def __init__(self, *, workbench: DeploymentHandle, limits: api.RequestLimits, **theirs: Any) -> None:
        cast(Any, super()).__init__(**theirs)
        self._workbench, self._limits = workbench, limits
        self._servers: dict[str, DeploymentHandle] = dict(theirs["llm_deployments"])
        self._started = int(time.time())

    async def health(self) -> dict[str, str]:
        """Whether the ingress answers."""
        return {"status": "ok"}

    async def ready(self) -> Response:
        """Whether every model answers."""
        try:
            for server in self._servers.values():
                await cast(Any, server).check_health.remote()
        except (*_GONE, RuntimeError) as error:
            raise api.ApiError(503, f"a model is not ready: {error}", code="engine_unavailable") from error
        return JSONResponse({"status": "ok"})

    async def trace(self, request: Request) -> Response:
        """Code and a call -> trace, monologue and its verdict."""
        return await self._work(request, cast(Any, self._workbench).trace.remote)

    async def verify(self, request: Request) -> Response:
        """A monologue -> its claims with evidence."""
        return await self._work(request, cast(Any, self._workbench).verify.remote)

    async def debug(self, request: Request) -> Response:
        """Code and a failing test -> diagnosis, patch, and whether the patch passes."""
        bench: Any = self._workbench
        return await self._work(request, lambda body: bench.debug.remote(body, self._servers, "vllm"))

    async def run_code(self, request: Request) -> Response:
        """SandboxFusion's interface."""
        return await self._work(request, cast(Any, self._workbench).run_code.remote)

    async def page(self) -> Response:
        """The page for people."""
        policy = "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"
        return HTMLResponse(PAGE.read_text(encoding="utf-8"), headers={"Content-Security-Policy": policy})

    async def _work(self, request: Request, run: Callable[[api.Json], Awaitable[api.Json]]) -> Response:
        try:
            return JSONResponse(await run(api.parse_json(await request.body(), self._limits)))
        except _GONE as error:
            raise api.ApiError(503, f"the sandbox is not available: {error}", code="sandbox_unavailable") from error


def build(
    configs: Sequence[Mapping[str, Any]], workbench: Application, api_key: str | None, limits: api.RequestLimits
) -> Application:
    """The application for models configured as `vllm.llm_config` says."""
    found = {config.model_id: config for config in (LLMConfig(**config) for config in configs)}
    servers = {name: build_llm_deployment(config, deployment_cls=Server) for name, config in found.items()}
    adapters = {name: config.lora_config for name, config in found.items() if config.lora_config is not None}
    options = OpenAiIngress.get_deployment_options(list(found.values()))
    ingress: Any = serve.deployment(make_fastapi_ingress(Ingress, endpoint_map=_routes(api_key)))
    return ingress.options(**options, ray_actor_options={"num_cpus": 0.1}).bind(
        llm_deployments=servers,
        model_cards={name: to_model_metadata(name, config) for name, config in found.items()},
        lora_paths={name: cast(Any, config).dynamic_lora_loading_path for name, config in adapters.items()},
        workbench=workbench,
        limits=limits,
    )


def _routes(api_key: str | None) -> dict[str, Callable[[FastAPI], Callable[..., Any]]]:
    """Method name -> what puts it under its path, as `make_fastapi_ingress` wants it. With a key most ask for it."""

    async def authorize(request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if api_key is not None and not hmac.compare_digest(given.encode(), api_key.encode()):
            raise api.ApiError(
                401, "missing or wrong API key: send 'Authorization: Bearer KEY'", code="invalid_api_key"
            )

    def route(verb: str, path: str, needs_key: bool) -> Callable[[FastAPI], Callable[..., Any]]:
        dependencies = [Depends(authorize)] if needs_key else []

        def put(http: FastAPI) -> Callable[..., Any]:
            http.exception_handlers.setdefault(api.ApiError, _told)
            http.exception_handlers.setdefault(SemrayError, _told)
            return getattr(http, verb)(path, dependencies=dependencies)

        return put

    asked = {name: route(verb, path, needs_key=True) for name, (verb, path) in {**_THEIRS, **_OURS}.items()}
    return {**asked, **{name: route(verb, path, needs_key=False) for name, (verb, path) in _OPEN.items()}}


async def _told(request: Request, error: Exception) -> Response:
    told = api.api_error(error.cause if isinstance(error, RayTaskError) else error)
    return JSONResponse(told.body(), status_code=told.status)
