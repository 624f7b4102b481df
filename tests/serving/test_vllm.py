"""The translation to and from Ray Serve LLM's documents; the engine itself runs only where vLLM is installed."""

import importlib.util
import json
from dataclasses import replace
from typing import Any

import pytest

from ray_app.errors import EngineError, InputError
from ray_app.serving import openai_api as api
from ray_app.serving import vllm
from ray_app.serving.generation import Delta, Generation, Message, Token

TOKENS = (Token("a", -0.5, (("a", -0.5), ("b", -1.5))), Token("c", -0.25, (("c", -0.25),)))
DELTAS = [
    Delta(0, "ac", TOKENS, None, 3, 2),
    Delta(1, "x", TOKENS[:1], None, 3, 1),
    Delta(0, "", (), "length", 3, 2),
    Delta(1, "", (), "stop", 3, 1),
]


def call(**fields: Any) -> api.Call:
    shared = {"model": "m", "stream": True, "n": 2}
    if "messages" in fields:
        return api.parse_chat(json.dumps({**shared, "logprobs": True, "top_logprobs": 2, **fields}).encode())
    return api.parse_completion(json.dumps({**shared, "logprobs": 2, **fields}).encode())


@pytest.mark.parametrize("fields", [{"prompt": "p"}, {"messages": [{"role": "user", "content": "p"}]}])
def test_deltas_survive_the_openai_form(fields: dict[str, Any]) -> None:
    asked = call(**fields)
    events = ""
    for delta in DELTAS:
        chunk = api.chunk(asked, 0, delta, first=False)
        chunk["usage"] = {"prompt_tokens": delta.prompt_tokens, "completion_tokens": delta.completion_tokens}
        events += api.sse(chunk)
    assert vllm.deltas(events + api.SSE_DONE) == DELTAS


def test_request_of_a_chat_carries_every_setting() -> None:
    generation = Generation(
        (Message("user", "hi"),),
        max_tokens=5,
        temperature=0.5,
        top_p=0.9,
        seed=7,
        stop=("x",),
        n=2,
        logprobs=3,
        json_schema='{"type": "object"}',
    )
    method, document = vllm.request(generation, "m")
    assert method == "chat"
    assert document["messages"] == [{"role": "user", "content": "hi"}]
    assert document["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert {key: document[key] for key in ("max_tokens", "temperature", "top_p", "seed", "stop", "n")} == {
        "max_tokens": 5,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["x"],
        "n": 2,
    }
    assert (document["logprobs"], document["top_logprobs"]) == (True, 3)


def test_request_of_text_and_of_token_ids_goes_to_completions() -> None:
    generation = Generation("hi", logprobs=1, echo=True)
    assert vllm.request(generation, "m")[1]["prompt"] == "hi"
    method, document = vllm.request(replace(generation, prompt=(1, 2)), "m")
    assert (method, document["prompt"], document["echo"], document["logprobs"]) == ("completions", [1, 2], True, 1)
    assert "max_tokens" not in document


def test_greedy_choices_are_asked_for_once_and_told_for_each() -> None:
    generation = Generation("hi", temperature=0, n=3)
    assert vllm.request(generation, "m")[1]["n"] == 1
    told = vllm.every_choice(generation, [Delta(0, "a", (), None, 1, 1), Delta(0, "b", (), "stop", 1, 2)])
    assert [(delta.choice, delta.text) for delta in told] == [(n, text) for text in "ab" for n in range(3)]
    sampled = replace(generation, temperature=1.0)
    assert vllm.request(sampled, "m")[1]["n"] == 3
    assert vllm.every_choice(sampled, told) == told


def test_request_with_an_empty_prompt_is_refused() -> None:
    for prompt in ("", ()):
        with pytest.raises(InputError, match="prompt is empty"):
            vllm.request(Generation(prompt), "m")


def test_errors_of_vllm_become_ours() -> None:
    with pytest.raises(InputError, match="too long"):
        vllm.deltas('data: {"error": {"message": "too long", "code": 400}}\n\n')
    with pytest.raises(EngineError, match="out of memory"):
        vllm.deltas('data: {"error": {"message": "out of memory", "code": 500}}\n\n')


def test_llm_config_uses_all_gpus_of_a_replica_unless_told_otherwise() -> None:
    config = vllm.llm_config("m", "/models/m", 2, {"num_replicas": 1}, {"max_model_len": 2048})
    assert config["engine_kwargs"] == {"tensor_parallel_size": 2, "max_model_len": 2048}
    assert config["model_loading_config"] == {"model_id": "m", "model_source": "/models/m"}
    assert vllm.llm_config("m", "p", 4, {}, {"tensor_parallel_size": 1})["engine_kwargs"]["tensor_parallel_size"] == 1
    assert "accelerator_config" not in config
    assert vllm.llm_config("m", "p", 0, {}, {})["accelerator_config"] == {"kind": "cpu"}


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vLLM is installed here")
def test_asking_for_vllm_where_it_is_not_installed_gives_the_remedy() -> None:
    from ray_app.serving import app

    with pytest.raises(EngineError, match=r"semray\[gpu\]"):
        app.application({"base": "some/model"}, app.ModelOptions(kind="vllm", num_gpus=1))
