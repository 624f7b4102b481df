"""The OpenAI HTTP interface as plain data: JSON body -> generations, and deltas -> responses, chunks and errors.

No web framework and no Ray here. What is supported: chat and text completions with n, stop, seed, temperature, top_p,
logprobs, echo, streaming with usage, and `response_format` where the engine can guide decoding. What is not supported
is refused by name with status 400, never ignored.
"""

import json
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ray_app.errors import EngineError, InputError, SandboxError
from ray_app.serving.generation import Delta, Generation, Message, Prompt, Token

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Bounds on one request; what exceeds them gets status 413 (body) or 400."""

    body_bytes: int = 4 * 1024 * 1024
    choices: int = 64
    prompts: int = 256


class ApiError(Exception):
    """A request that is answered with an error in OpenAI's form."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code

    def __reduce__(self) -> tuple[Any, ...]:
        return _api_error, (self.status, self.message, self.param, self.code)

    def body(self) -> Json:
        """The JSON document that goes with `status`."""
        kinds = {401: "authentication_error", 404: "invalid_request_error", 429: "rate_limit_error"}
        kind = kinds.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


def _api_error(status: int, message: str, param: str | None, code: str | None) -> ApiError:
    return ApiError(status, message, param=param, code=code)


def api_error(error: Exception) -> ApiError:
    """The answer to an error of ours; other exceptions are not ours to explain and are raised again."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, InputError):
        return ApiError(400, str(error), code="invalid_value")
    if isinstance(error, EngineError):
        return ApiError(503, str(error), code="engine_unavailable")
    if isinstance(error, SandboxError):
        return ApiError(503, str(error), code="sandbox_unavailable")
    raise error


class _StreamOptions(BaseModel):
    include_usage: bool = False
    include_obfuscation: bool = False


class _Part(BaseModel):
    type: Literal["text"]
    text: str


class _ChatMessage(BaseModel):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[_Part]
    name: str | None = None

    def message(self) -> Message:
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return Message("system" if self.role == "developer" else self.role, text)


class _JsonSchema(BaseModel):
    name: str = ""
    description: str | None = None
    strict: bool | None = None
    schema_: dict[str, Any] = Field(alias="schema")


class _ResponseFormat(BaseModel):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _JsonSchema | None = None

    def schema_text(self) -> str | None:
        if self.type == "text":
            return None
        if self.type == "json_object":
            return json.dumps({"type": "object"})
        if self.json_schema is None:
            raise ApiError(400, "response_format of type json_schema needs json_schema", param="response_format")
        return json.dumps(self.json_schema.schema_)


class _Common(BaseModel):
    """Fields that both kinds of request share. Unknown fields are errors; the last group changes nothing."""

    model_config = ConfigDict(extra="forbid")

    model: str
    max_tokens: int | None = Field(None, ge=0)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    seed: int | None = None
    stop: str | list[str] | None = None
    n: int | None = Field(None, ge=1)
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    response_format: _ResponseFormat | None = None
    ignore_eos: bool = False
    frequency_penalty: Literal[0] | None = None
    presence_penalty: Literal[0] | None = None
    logit_bias: dict[str, Any] | None = Field(None, max_length=0)

    user: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None

    def generation(self, prompt: Prompt, logprobs: int | None, **more: Any) -> Generation:
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        if "" in stop:
            raise ApiError(400, "stop holds an empty string", param="stop")
        return Generation(
            prompt=prompt,
            temperature=1.0 if self.temperature is None else self.temperature,
            top_p=self.top_p or 1.0,
            seed=random.getrandbits(62) if self.seed is None else self.seed,
            stop=tuple(stop),
            n=self.n or 1,
            logprobs=logprobs,
            ignore_eos=self.ignore_eos,
            json_schema=self.response_format.schema_text() if self.response_format else None,
            **more,
        )


class _ChatRequest(_Common):
    messages: list[_ChatMessage] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    tools: list[Any] | None = Field(None, max_length=0)
    tool_choice: Literal["none", "auto"] | None = None
    parallel_tool_calls: bool | None = None

    def generations(self) -> tuple[Generation, ...]:
        limit = self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens
        if limit == 0:
            raise ApiError(400, "max_tokens must be at least 1", param="max_tokens")
        messages = tuple(message.message() for message in self.messages)
        return (self.generation(messages, (self.top_logprobs or 0) if self.logprobs else None, max_tokens=limit),)


class _CompletionRequest(_Common):
    prompt: str | list[str] | list[int] | list[list[int]]
    logprobs: int | None = Field(None, ge=0, le=20)
    echo: bool | None = None
    suffix: Literal[""] | None = None
    best_of: int | None = None

    def generations(self) -> tuple[Generation, ...]:
        if self.best_of not in (None, self.n or 1):
            raise ApiError(400, "best_of is not supported: ask for n choices", param="best_of")
        limit = 16 if self.max_tokens is None else self.max_tokens
        return tuple(
            self.generation(prompt, self.logprobs, max_tokens=limit, echo=bool(self.echo)) for prompt in self._prompts()
        )

    def _prompts(self) -> list[Prompt]:
        if isinstance(self.prompt, str):
            return [self.prompt]
        ids = [item for item in self.prompt if isinstance(item, int)]
        if ids:
            return [tuple(ids)]
        return [item if isinstance(item, str) else tuple(item) for item in self.prompt if not isinstance(item, int)]


C = TypeVar("C", bound=_Common)


@dataclass(frozen=True, slots=True)
class Call:
    """A parsed request. Choice c of generation g is number `g * n + c` of the answer."""

    kind: Literal["chat", "text"]
    id: str
    created: int
    model: str
    generations: tuple[Generation, ...]
    stream: bool
    usage_chunk: bool


def parse_chat(body: bytes, limits: RequestLimits = RequestLimits()) -> Call:
    """The body of POST /v1/chat/completions; ApiError for anything that is not valid and supported."""
    request = _validated(_ChatRequest, body, limits)
    return _call("chat", f"chatcmpl-{uuid.uuid4().hex}", request, request.generations(), limits)


def parse_completion(body: bytes, limits: RequestLimits = RequestLimits()) -> Call:
    """The body of POST /v1/completions; ApiError for anything that is not valid and supported."""
    request = _validated(_CompletionRequest, body, limits)
    return _call("text", f"cmpl-{uuid.uuid4().hex}", request, request.generations(), limits)


def parse_json(body: bytes, limits: RequestLimits) -> Json:
    """A JSON object from a request's body."""
    if len(body) > limits.body_bytes:
        raise ApiError(413, f"body of {len(body)} bytes exceeds the limit of {limits.body_bytes}")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"the body is not valid JSON: {error}", code="invalid_json") from error
    if not isinstance(value, dict):
        raise ApiError(400, "the body must be a JSON object", code="invalid_json")
    return value


def validation_error(error: ValidationError) -> ApiError:
    """The first thing that is wrong with a request, in OpenAI's form."""
    first = error.errors()[0]
    param = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("_", "list[", "str", "function")))
    if first["type"] == "extra_forbidden":
        return ApiError(400, f"parameter {param!r} is not supported", param=param, code="unknown_parameter")
    return ApiError(400, f"{param}: {first['msg']}", param=param, code="invalid_value")


def _validated(kind: type[C], body: bytes, limits: RequestLimits) -> C:
    try:
        return kind.model_validate(parse_json(body, limits))
    except ValidationError as error:
        raise validation_error(error) from error


def _call(
    kind: Literal["chat", "text"], id: str, request: _Common, generations: tuple[Generation, ...], limits: RequestLimits
) -> Call:
    if not generations or len(generations) > limits.prompts:
        raise ApiError(400, f"{len(generations)} prompts: give between 1 and {limits.prompts}", param="prompt")
    if generations[0].n > limits.choices:
        raise ApiError(400, f"n of {generations[0].n} exceeds the limit of {limits.choices}", param="n")
    options = request.stream_options or _StreamOptions()
    return Call(kind, id, int(time.time()), request.model, generations, bool(request.stream), options.include_usage)


def response(call: Call, results: Sequence[Sequence[Delta]]) -> Json:
    """The whole answer; `results` holds, for each generation, one finished delta per choice."""
    choices = [
        _choice(call, generation * len(result) + delta.choice, delta, chunk=False)
        for generation, result in enumerate(results)
        for delta in result
    ]
    kind = "chat.completion" if call.kind == "chat" else "text_completion"
    return {**_head(call, kind), "choices": choices, "usage": usage(results)}


def chunk(call: Call, generation: int, delta: Delta, *, first: bool) -> Json:
    """One streamed piece; `first` says that it is the first one of its choice."""
    number = generation * call.generations[generation].n + delta.choice
    choice = _choice(call, number, delta, chunk=True)
    if first and call.kind == "chat":
        choice["delta"]["role"] = "assistant"
    kind = "chat.completion.chunk" if call.kind == "chat" else "text_completion"
    return {**_head(call, kind), "choices": [choice], **({"usage": None} if call.usage_chunk else {})}


def usage_chunk(call: Call, results: Sequence[Sequence[Delta]]) -> Json:
    """The last chunk where `stream_options.include_usage` asks for one."""
    kind = "chat.completion.chunk" if call.kind == "chat" else "text_completion"
    return {**_head(call, kind), "choices": [], "usage": usage(results)}


def usage(results: Sequence[Sequence[Delta]]) -> Json:
    """Token counts: each prompt once, the completions of all choices."""
    prompt = sum(result[0].prompt_tokens for result in results if result)
    completion = sum(delta.completion_tokens for result in results for delta in result)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def sse(document: Json) -> str:
    """One server-sent event."""
    return f"data: {json.dumps(document, ensure_ascii=False)}\n\n"


SSE_DONE = "data: [DONE]\n\n"


def models_list(models: Sequence[str], created: int) -> Json:
    """The answer to GET /v1/models."""
    return {"object": "list", "data": [model_card(name, created) for name in models]}


def model_card(name: str, created: int) -> Json:
    """One entry of the list of models."""
    return {"id": name, "object": "model", "created": created, "owned_by": "semray"}


def _head(call: Call, kind: str) -> Json:
    return {"id": call.id, "object": kind, "created": call.created, "model": call.model}


def _choice(call: Call, number: int, delta: Delta, *, chunk: bool) -> Json:
    wanted = call.generations[0].logprobs is not None
    if call.kind == "text":
        logprobs = _text_logprobs(delta.tokens) if wanted else None
        return {"index": number, "text": delta.text, "logprobs": logprobs, "finish_reason": delta.finish}
    content = {"content": delta.text} if chunk else {"role": "assistant", "content": delta.text}
    return {
        "index": number,
        "delta" if chunk else "message": content,
        "logprobs": {"content": [_chat_logprob(token) for token in delta.tokens]} if wanted else None,
        "finish_reason": delta.finish,
    }


def _chat_logprob(token: Token) -> Json:
    def entry(text: str, logprob: float | None) -> Json:
        return {"token": text, "logprob": logprob, "bytes": list(text.encode("utf-8", "replace"))}

    top = [entry(text, value) for text, value in token.top]
    return {**entry(token.text, token.logprob), "top_logprobs": top}


def _text_logprobs(tokens: Sequence[Token]) -> Json:
    """Offsets count from the start of this piece's first token."""
    offsets: list[int] = []
    at = 0
    for token in tokens:
        offsets.append(at)
        at += len(token.text)
    return {
        "tokens": [token.text for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [dict(token.top) if token.logprob is not None else None for token in tokens],
        "text_offset": offsets,
    }
