"""Ray Serve LLM's application with our workbench, on vLLM for CPUs: `make test-vllm`, in an environment of its own."""

import importlib.util
import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
import ray

from ray_app.serving import app, vllm
from tests.serving.conftest import free_port

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="needs vLLM: run `make test-vllm`"),
]
SETTINGS = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_NUM_OF_RESERVED_CPU": "0", "HF_HUB_OFFLINE": "1"}
MODEL = "smollm2-135m-instruct"
CODE = "def f(x):\n    y = x + 1\n    return y * 2\n"
MESSAGES: Any = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def url(key: str) -> Iterator[str]:
    """SmolLM2 on vLLM, by its name, with room for a second replica."""
    engine = {
        "max_model_len": 1024,
        "dtype": "float32",
        "enforce_eager": True,
        "max_num_seqs": 32,
        "enable_auto_tool_choice": True,
        "tool_call_parser": "hermes",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        ray.init(
            address="local", num_cpus=8, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False
        )
        options = app.ModelOptions(kind="vllm", max_replicas=2, vllm=engine)
        yield app.run({"base": MODEL}, port=free_port(), options=options, api_key=key)
        app.stop()
        ray.shutdown()


@pytest.fixture
def client(url: str, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key=key, max_retries=0, timeout=900)


@pytest.fixture
def http(key: str) -> Iterator[httpx.Client]:
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=900) as found:
        yield found


def test_models_are_listed_under_our_names(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["base"]
    assert client.models.retrieve("base").id == "base"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="other", messages=MESSAGES)


def test_a_stream_adds_up_to_the_whole_completion(client: openai.OpenAI) -> None:
    ask: Any = {"model": "base", "prompt": "def total(xs):", "max_tokens": 12, "temperature": 0}
    whole = client.completions.create(**ask)
    chunks = list(client.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == whole.choices[0].text != ""
    assert whole.usage is not None
    assert chunks[-1].usage == whole.usage


def test_chat_with_choices_logprobs_and_seed_repeats_itself(client: openai.OpenAI) -> None:
    def ask() -> list[str | None]:
        answer = client.chat.completions.create(
            model="base", messages=MESSAGES, n=2, seed=5, max_tokens=8, logprobs=True, top_logprobs=2
        )
        assert all(choice.logprobs and choice.logprobs.content for choice in answer.choices)
        return [choice.message.content for choice in answer.choices]

    first = ask()
    assert ask() == first
    assert len(set(first)) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_structured_output_follows_the_schema(client: openai.OpenAI, stream: bool) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "maximum": 99}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    asked: Any = client.chat.completions.create(
        model="base",
        messages=[{"role": "user", "content": "Describe a person."}],
        max_tokens=80,
        temperature=0,
        response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema}},
        stream=stream,
    )
    if stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in asked if chunk.choices)
    else:
        text = asked.choices[0].message.content
    assert set(json.loads(text)) == {"name", "age"}


def test_tools_are_called_with_arguments_of_their_form(client: openai.OpenAI) -> None:
    parameters = {
        "type": "object",
        "properties": {"code": {"type": "string", "maxLength": 20}},
        "required": ["code"],
        "additionalProperties": False,
    }
    answer = client.chat.completions.create(
        model="base",
        messages=[{"role": "user", "content": "Run print(1)."}],
        tools=[{"type": "function", "function": {"name": "run", "parameters": parameters}}],
        tool_choice={"type": "function", "function": {"name": "run"}},
        max_tokens=60,
        temperature=0,
    )
    (call,) = answer.choices[0].message.tool_calls or ()
    assert call.function.name == "run"
    print(repr(call.function.arguments))
    arguments: Any = call.function.arguments
    while isinstance(arguments, str):
        arguments = json.loads(arguments)
    assert isinstance(arguments["code"], str)


@pytest.mark.parametrize(
    ("fields", "error"),
    [({"prompt": "x " * 2000}, openai.BadRequestError), ({"temperature": -1}, openai.BadRequestError)],
)
def test_a_bad_request_gets_its_status(client: openai.OpenAI, fields: Any, error: Any) -> None:
    with pytest.raises(error):
        client.completions.create(**{"model": "base", "prompt": "x", **fields})


def test_only_who_has_the_key_gets_answers(url: str) -> None:
    root = url.removesuffix("/v1")
    for path in ("/v1/chat/completions", "/v1/completions", "/v1/trace", "/v1/debug", "/run_code", "/tokenize"):
        refused = httpx.post(f"{root}{path}", json={}, headers={"Authorization": "Bearer wrong"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key"), path
    assert httpx.get(f"{url}/models").status_code == 401
    assert httpx.get(f"{root}/health").json() == {"status": "ok"}
    assert httpx.get(f"{root}/ready").json() == {"status": "ok"}
    assert "<textarea" in httpx.get(f"{root}/").text


def test_the_workbench_is_beside_the_models(url: str, http: httpx.Client) -> None:
    traced = http.post(f"{url}/trace", json={"code": CODE, "call": "f(2)"}).json()
    assert (traced["output"], traced["accepted"]) == ("6", True)
    ran = http.post(f"{url.removesuffix('/v1')}/run_code", json={"code": "print(input())", "stdin": "hi"}).json()
    assert (ran["status"], ran["run_result"]["stdout"]) == ("Success", "hi\n")
    assert http.post(f"{url}/trace", json={"code": CODE, "call": "f("}).status_code == 400


def test_debugging_asks_the_model_on_vllm(url: str, http: httpx.Client) -> None:
    ask = {"code": CODE, "test": "f(2) == 7", "model": "base", "attempts": 2, "temperature": 1.0, "max_tokens": 16}
    debugged = http.post(f"{url}/debug", json=ask).json()
    assert debugged["fails"]
    assert "f(2) gives 6" in debugged["diagnosis"]
    assert debugged["attempts"] == 2
    assert debugged["reply"]
    unknown = http.post(f"{url}/debug", json={**ask, "model": "other"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")


def test_adapters_and_routing_are_taken_by_ray_serve_llm() -> None:
    from ray.serve.llm import LLMConfig, build_llm_deployment

    adapters = {"lora_config": {"dynamic_lora_loading_path": "s3://bucket/adapters", "max_num_adapters_per_replica": 4}}
    scaling = {"autoscaling_config": {"min_replicas": 1, "max_replicas": 4}}
    config = LLMConfig(**vllm.llm_config("base", "owner/name", 0, scaling, {}, adapters))
    assert config.lora_config is not None
    assert config.lora_config.dynamic_lora_loading_path == "s3://bucket/adapters"
    build_llm_deployment(config)
