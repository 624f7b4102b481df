"""The documents of Ray Serve LLM; the engine itself runs only where vLLM is installed (test_vllm_engine.py)."""

import importlib.util
from dataclasses import replace

import pytest

from ray_app.errors import EngineError, InputError
from ray_app.serving import vllm
from ray_app.serving.generation import Delta, Generation, Message

CHAT = Generation((Message("user", "hi"),), max_tokens=5, temperature=0.5, top_p=0.9, seed=7, n=2)
SCALING = {"autoscaling_config": {"min_replicas": 1, "max_replicas": 4}}


def test_chat_carries_every_setting() -> None:
    assert vllm.chat(CHAT, "m") == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 5,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "n": 2,
    }


def test_greedy_answers_are_asked_for_once() -> None:
    assert vllm.chat(replace(CHAT, temperature=0.0), "m")["n"] == 1


@pytest.mark.parametrize("prompt", ["hi", (1, 2), ()])
def test_what_is_no_chat_is_refused(prompt: object) -> None:
    with pytest.raises(InputError, match="in chats"):
        vllm.chat(Generation(prompt), "m")  # type: ignore[arg-type]


def test_answers_are_read_with_what_they_cost() -> None:
    choices = [
        {"index": 0, "message": {"content": "yes"}, "finish_reason": "stop"},
        {"index": 1, "message": {"content": None}, "finish_reason": "length"},
    ]
    document = {"choices": choices, "usage": {"prompt_tokens": 3, "completion_tokens": 9}}
    assert vllm.answers(document) == [Delta(0, "yes", (), "stop", 3, 9), Delta(1, "", (), "length", 3, 9)]


def test_errors_of_vllm_become_ours() -> None:
    with pytest.raises(InputError, match="too long"):
        vllm.answers({"error": {"message": "too long", "code": 400}})
    with pytest.raises(EngineError, match="out of memory"):
        vllm.answers({"error": {"message": "out of memory", "code": 500}})


def test_llm_config_uses_all_gpus_of_a_replica_unless_told_otherwise() -> None:
    config = vllm.llm_config("m", "owner/m", 2, {"num_replicas": 1}, {"max_model_len": 2048}, {})
    assert config["engine_kwargs"] == {"tensor_parallel_size": 2, "max_model_len": 2048}
    assert config["model_loading_config"] == {"model_id": "m", "model_source": "owner/m"}
    one = vllm.llm_config("m", "p", 4, {}, {"tensor_parallel_size": 1}, {})
    assert one["engine_kwargs"]["tensor_parallel_size"] == 1
    assert "accelerator_config" not in config
    assert vllm.llm_config("m", "p", 0, {}, {}, {})["accelerator_config"] == {"kind": "cpu"}


def test_llm_config_of_several_replicas_sends_requests_to_where_their_prefix_is_cached() -> None:
    several = vllm.llm_config("m", "p", 1, SCALING, {}, {})["deployment_config"]
    assert several == {**SCALING, "request_router_config": {"request_router_class": vllm.ROUTER}}
    assert vllm.llm_config("m", "p", 1, {"num_replicas": 1}, {}, {})["deployment_config"] == {"num_replicas": 1}


def test_llm_config_takes_further_fields_such_as_adapters() -> None:
    adapters = {"lora_config": {"dynamic_lora_loading_path": "s3://bucket/adapters"}}
    assert vllm.llm_config("m", "p", 1, {}, {}, adapters)["lora_config"] == adapters["lora_config"]


def test_source_is_a_name_that_holds_on_every_machine() -> None:
    assert vllm.source("owner/name") == "owner/name"
    assert vllm.source("smollm2-135m-instruct") == "smollm2-135m-instruct"
    assert vllm.source("s3://bucket/run/model") == {"bucket_uri": "s3://bucket/run/model"}


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vLLM is installed here")
def test_asking_for_vllm_where_it_is_not_installed_gives_the_remedy() -> None:
    from ray_app.serving import app

    with pytest.raises(EngineError, match="make install-gpu"):
        app.application({"base": "some/model"}, app.ModelOptions(kind="vllm", num_gpus=1))
