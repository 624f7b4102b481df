"""The endpoint's tests once more, with vLLM on a CPU behind it: `make test-vllm`, in an environment of its own."""

import importlib.util
import json
from collections.abc import Iterator

import openai
import pytest
import ray

from ray_app.models import resolve
from ray_app.serving import app
from ray_app.serving.engine import TransformersEngine
from ray_app.serving.generation import Delta, EngineOptions, Generation
from tests.serving.conftest import free_port
from tests.serving.test_app import (  # noqa: F401
    client,
    test_a_bad_request_gets_its_status,
    test_a_stream_adds_up_to_the_whole_completion,
    test_bad_json_wrong_path_and_wrong_key_are_refused,
    test_chat_stream_names_the_assistant_and_finishes,
    test_chat_with_choices_logprobs_and_seed_repeats_itself,
    test_completion_is_what_the_engine_says,
    test_health_and_readiness_need_no_key,
    test_many_clients_at_once_get_their_own_answers,
    test_models_are_listed_side_by_side,
    test_the_sandbox_endpoints_trace_verify_debug_and_run_code,
)

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="needs vLLM: run `make test-vllm`"),
]
SETTINGS = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_NUM_OF_RESERVED_CPU": "0", "HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="module")
def url(key: str) -> Iterator[str]:
    """SmolLM2 on two vLLM engines of Ray Serve LLM."""
    model = str(resolve("smollm2-135m-instruct"))
    engine = {"max_model_len": 1024, "dtype": "float32", "enforce_eager": True, "max_num_seqs": 32}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        ray.init(
            address="local", num_cpus=8, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False
        )
        options = app.ModelOptions(kind="vllm", vllm=engine)
        yield app.run({"base": model, "tuned": model}, port=free_port(), options=options, api_key=key)
        app.stop()
        ray.shutdown()


@pytest.fixture(scope="module")
def expected() -> Delta:
    """What our own engine says with the same weights."""
    engine = TransformersEngine(resolve("smollm2-135m-instruct"), EngineOptions(device="cpu", threads=1))
    found = next(engine.generate([Generation("hi", max_tokens=24, temperature=0, ignore_eos=True)]))[0]
    engine.close()
    return found


@pytest.mark.parametrize("stream", [False, True])
def test_guided_output_follows_the_schema(client: openai.OpenAI, stream: bool) -> None:  # noqa: F811
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "maximum": 99}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    asked = client.chat.completions.create(
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


def test_stop_string_ends_the_text_before_it(client: openai.OpenAI, expected: Delta) -> None:  # noqa: F811
    stop = expected.text[10:13]
    answer = client.completions.create(model="base", prompt="hi", max_tokens=24, temperature=0, stop=stop)
    assert answer.choices[0].text == expected.text[: expected.text.index(stop)]
    assert answer.choices[0].finish_reason == "stop"
