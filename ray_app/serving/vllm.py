"""Ray Serve LLM's documents as plain data: how a model is configured, and what our workbench asks it.

Neither Ray nor vLLM is needed here; `ray_app.serving.llm` puts them together.
"""

from collections.abc import Mapping
from typing import Any

from ray_app import models
from ray_app.errors import EngineError, InputError
from ray_app.serving.generation import Delta, Finish, Generation, Message
from ray_app.serving.openai_api import Json

ROUTER = "ray.serve.llm.request_router.PrefixCacheAffinityRouter"
"""Sends a request where the beginning of its prompt is cached already, unless that replica has too much to do."""
_KEPT_BY_RAY = ("s3://", "gs://", "abfss://", "azure://")
"""URIs that Ray Serve LLM fetches itself, on the node where the model runs"""


def llm_config(
    name: str,
    model: str,
    num_gpus: float,
    scaling: Mapping[str, Any],
    engine: Mapping[str, Any],
    more: Mapping[str, Any],
) -> Json:
    """The arguments of `ray.serve.llm.LLMConfig` for one model; without GPUs, for a vLLM that was built for CPUs.

    `engine` goes to vLLM as it is, under vLLM's names; `more` are further fields of LLMConfig (lora_config, say).
    """
    arguments = {"tensor_parallel_size": max(1, int(num_gpus)), **engine}
    deployment = dict(scaling)
    if "autoscaling_config" in deployment:
        deployment.setdefault("request_router_config", {"request_router_class": ROUTER})
    return {
        **({} if num_gpus else {"accelerator_config": {"kind": "cpu"}}),
        "model_loading_config": {"model_id": name, "model_source": source(model)},
        "deployment_config": deployment,
        "engine_kwargs": arguments,
        "log_engine_metrics": True,
        **more,
    }


def source(model: str) -> Any:
    """What Ray Serve LLM is told to load: what it resolves by itself, on the node where the model runs, or a name of
    ours, which the server there resolves (`ray_app.serving.llm.Server`)."""
    if model.startswith(_KEPT_BY_RAY):
        return {"bucket_uri": model}
    return models.portable(model)


def chat(generation: Generation, model: str) -> Json:
    """The request of a chat for whole answers. InputError for anything but a chat."""
    turns = generation.prompt
    if not turns or not isinstance(turns[0], Message):
        raise InputError("the workbench asks in chats: give messages")
    return {
        "model": model,
        "messages": [{"role": turn.role, "content": turn.content} for turn in turns if isinstance(turn, Message)],
        "max_tokens": generation.max_tokens,
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "seed": generation.seed,
        # A greedy answer is always the same, and vLLM refuses to give it several times.
        "n": generation.n if generation.temperature else 1,
    }


def answers(document: Mapping[str, Any]) -> list[Delta]:
    """The whole answers in a response, or its error raised as one of ours."""
    if "error" in document:
        raise error(document["error"])
    usage = document.get("usage") or {}
    asked, written = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
    found: list[Delta] = []
    for choice in document["choices"]:
        finish: Finish = "length" if choice["finish_reason"] == "length" else "stop"
        found.append(Delta(choice["index"], choice["message"].get("content") or "", (), finish, asked, written))
    return found


def error(document: Mapping[str, Any]) -> EngineError | InputError:
    """vLLM's error as one of ours: the request's fault (4xx), or the engine's."""
    code, message = document.get("code"), str(document.get("message"))
    return InputError(message) if isinstance(code, int) and 400 <= code < 500 else EngineError(f"vLLM: {message}")
