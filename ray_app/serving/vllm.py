"""vLLM behind the same interface: generations as requests to Ray Serve LLM's server, its answers as deltas.

Ray Serve LLM speaks OpenAI's protocol between deployments; here are its documents as plain data, so that this file
needs neither Ray nor vLLM. What vLLM adds to our own engine: JSON-schema guided output, several GPUs, any model.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

from ray_app.errors import EngineError, InputError
from ray_app.serving.generation import Delta, Finish, Generation, Message, Token
from ray_app.serving.openai_api import Json

Kind = Literal["chat", "completions"]


def llm_config(name: str, path: str, num_gpus: float, scaling: Mapping[str, Any], engine: Mapping[str, Any]) -> Json:
    """The arguments of `ray.serve.llm.LLMConfig` for one model; without GPUs, for a vLLM that was built for CPUs.

    `engine` goes to vLLM as it is, under vLLM's names.
    """
    arguments = {"tensor_parallel_size": max(1, int(num_gpus)), **engine}
    return {
        **({} if num_gpus else {"accelerator_config": {"kind": "cpu"}}),
        "model_loading_config": {"model_id": name, "model_source": path},
        "deployment_config": dict(scaling),
        "engine_kwargs": arguments,
        "log_engine_metrics": True,
    }


def request(generation: Generation, model: str) -> tuple[Kind, Json]:
    """The method of the server to call, and its streaming request. InputError for an empty prompt."""
    if not generation.prompt:
        raise InputError("the prompt is empty: give at least one token")
    common: Json = {
        "model": model,
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "seed": generation.seed,
        "stop": list(generation.stop),
        "n": 1 if _is_repetition(generation) else generation.n,
        "ignore_eos": generation.ignore_eos,
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
    }
    if generation.max_tokens is not None:
        common["max_tokens"] = generation.max_tokens
    if generation.json_schema is not None:
        schema = {"name": "answer", "schema": json.loads(generation.json_schema)}
        common["response_format"] = {"type": "json_schema", "json_schema": schema}
    if isinstance(generation.prompt, str):
        return "completions", {**common, "prompt": generation.prompt, **_text_options(generation)}
    if generation.prompt and isinstance(generation.prompt[0], Message):
        turns = cast("tuple[Message, ...]", generation.prompt)
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        scored = generation.logprobs is not None
        return "chat", {**common, "messages": messages, "logprobs": scored, "top_logprobs": generation.logprobs or None}
    return "completions", {**common, "prompt": list(generation.prompt), **_text_options(generation)}


def _text_options(generation: Generation) -> Json:
    return {"logprobs": generation.logprobs, "echo": generation.echo}


def deltas(events: str) -> list[Delta]:
    """The deltas in whole events of the server's stream; EngineError or InputError if one reports an error."""
    found: list[Delta] = []
    for event in events.split("\n\n"):
        data = event.strip().removeprefix("data:").strip()
        if not data or data == "[DONE]":
            continue
        document = json.loads(data)
        if "error" in document:
            raise error(document["error"])
        found += [_delta(choice, document.get("usage") or {}) for choice in document["choices"]]
    return found


def every_choice(generation: Generation, found: list[Delta]) -> list[Delta]:
    """The deltas of all choices: vLLM refuses to repeat a greedy answer `n` times, so that is done here."""
    if not _is_repetition(generation):
        return found
    return [replace(delta, choice=choice) for delta in found for choice in range(generation.n)]


def _is_repetition(generation: Generation) -> bool:
    return generation.temperature == 0 and generation.n > 1


def error(document: Mapping[str, Any]) -> EngineError | InputError:
    """vLLM's error as one of ours: the request's fault (4xx), or the engine's."""
    code, message = document.get("code"), str(document.get("message"))
    return InputError(message) if isinstance(code, int) and 400 <= code < 500 else EngineError(f"vLLM: {message}")


def _delta(choice: Json, usage: Json) -> Delta:
    finish: Finish | None = None
    if choice.get("finish_reason") is not None:
        finish = "length" if choice["finish_reason"] == "length" else "stop"
    text = choice["text"] if "text" in choice else choice["delta"].get("content") or ""
    return Delta(
        choice["index"],
        text,
        _tokens(choice.get("logprobs")),
        finish,
        usage.get("prompt_tokens", 0),
        usage.get("completion_tokens", 0),
    )


def _tokens(logprobs: Json | None) -> tuple[Token, ...]:
    if logprobs is None:
        return ()
    if "content" in logprobs:
        spoken: Sequence[Json] = logprobs["content"] or []
        return tuple(
            Token(entry["token"], entry["logprob"], tuple((t["token"], t["logprob"]) for t in entry["top_logprobs"]))
            for entry in spoken
        )
    tops = logprobs["top_logprobs"] or [None] * len(logprobs["tokens"])
    return tuple(
        Token(text, value, tuple((top or {}).items()))
        for text, value, top in zip(logprobs["tokens"], logprobs["token_logprobs"], tops, strict=True)
    )
