"""The HTTP interface as data: what is accepted, what is refused and how answers look."""

import json
from typing import Any

import pytest

from ray_app.errors import EngineError, InputError
from ray_app.serving import openai_api as api
from ray_app.serving.generation import Delta, Message, Token


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def chat(**fields: Any) -> bytes:
    return body(**{"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields})


def text(**fields: Any) -> bytes:
    return body(**{"model": "m", "prompt": "hi", **fields})


def test_chat_request_becomes_one_generation() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    messages = [{"role": "developer", "content": "be brief"}, {"role": "user", "content": parts}]
    call = api.parse_chat(
        chat(messages=messages, max_completion_tokens=5, temperature=0, top_p=0.5, seed=4, stop="x", n=2, user="me")
    )
    (generation,) = call.generations
    assert generation.prompt == (Message("system", "be brief"), Message("user", "ab"))
    assert (generation.max_tokens, generation.temperature, generation.top_p) == (5, 0, 0.5)
    assert (generation.seed, generation.stop, generation.n, generation.logprobs) == (4, ("x",), 2, None)
    assert not call.stream


def test_requests_without_a_seed_get_different_ones() -> None:
    seeds = {api.parse_chat(chat()).generations[0].seed for _ in range(4)}
    assert len(seeds) == 4


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [("a", ["a"]), (["a", "b"], ["a", "b"]), ([1, 2], [(1, 2)]), ([[1, 2], [3]], [(1, 2), (3,)])],
)
def test_completion_prompts_in_all_four_forms(prompt: Any, expected: list[Any]) -> None:
    call = api.parse_completion(text(prompt=prompt, echo=True, logprobs=2, max_tokens=0))
    assert [generation.prompt for generation in call.generations] == expected
    assert all(g.echo and g.logprobs == 2 and g.max_tokens == 0 for g in call.generations)


def test_completion_without_max_tokens_gives_sixteen_as_openai_does() -> None:
    assert api.parse_completion(text()).generations[0].max_tokens == 16


def test_json_schema_reaches_the_engine() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    call = api.parse_chat(chat(response_format=wanted))
    assert json.loads(call.generations[0].json_schema or "") == schema
    assert api.parse_chat(chat(response_format={"type": "text"})).generations[0].json_schema is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"n": 0}, "n"),
        ({"n": 1000}, "n"),
        ({"top_logprobs": 99, "logprobs": True}, "top_logprobs"),
        ({"stop": ["a", ""]}, "stop"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"tempratur": 1}, "tempratur"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
    ],
)
def test_chat_with_a_bad_field_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(api.ApiError) as refused:
        api.parse_chat(chat(**fields))
    assert refused.value.status == 400
    assert refused.value.body()["error"]["param"] == param
    assert refused.value.body()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b'"x"', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(api.ApiError) as refused:
        api.parse_chat(raw)
    assert (refused.value.status, refused.value.code) == (400, "invalid_json")


def test_an_oversized_body_and_too_many_prompts_are_refused() -> None:
    limits = api.RequestLimits(body_bytes=1000, prompts=2)
    with pytest.raises(api.ApiError) as refused:
        api.parse_chat(chat(user="x" * 1000), limits)
    assert refused.value.status == 413
    with pytest.raises(api.ApiError, match="3 prompts"):
        api.parse_completion(text(prompt=["a", "b", "c"]), limits)


def test_errors_of_the_engine_get_a_status_and_others_are_raised() -> None:
    assert api.api_error(InputError("too long")).status == 400
    assert api.api_error(EngineError("dead")).body()["error"]["type"] == "server_error"
    with pytest.raises(KeyError):
        api.api_error(KeyError("a bug"))


def test_response_numbers_choices_across_prompts_and_counts_each_prompt_once() -> None:
    call = api.parse_completion(text(prompt=["a", "b"], n=2))
    results = [[Delta(c, f"{g}{c}", (), "stop", 3, 4) for c in range(2)] for g in range(2)]
    answer = api.response(call, results)
    assert [(choice["index"], choice["text"]) for choice in answer["choices"]] == [
        (0, "00"),
        (1, "01"),
        (2, "10"),
        (3, "11"),
    ]
    assert answer["usage"] == {"prompt_tokens": 6, "completion_tokens": 16, "total_tokens": 22}


def test_logprobs_in_both_forms() -> None:
    tokens = (Token("a", None, ()), Token("bc", -0.5, (("bc", -0.5), ("d", -1.0))))
    delta = Delta(0, "abc", tokens, "stop", 1, 2)
    plain = api.response(api.parse_completion(text(logprobs=2)), [[delta]])["choices"][0]["logprobs"]
    assert plain["tokens"] == ["a", "bc"]
    assert plain["token_logprobs"] == [None, -0.5]
    assert plain["top_logprobs"] == [None, {"bc": -0.5, "d": -1.0}]
    assert plain["text_offset"] == [0, 1]
    spoken = api.response(api.parse_chat(chat(logprobs=True, top_logprobs=2)), [[delta]])["choices"][0]["logprobs"]
    assert spoken["content"][1]["bytes"] == [98, 99]
    assert [entry["token"] for entry in spoken["content"][1]["top_logprobs"]] == ["bc", "d"]


def test_chunks_name_the_role_once_and_usage_comes_last() -> None:
    call = api.parse_chat(chat(stream=True, stream_options={"include_usage": True}))
    first = api.chunk(call, 0, Delta(0, "a", (), None, 1, 1), first=True)
    second = api.chunk(call, 0, Delta(0, "b", (), "length", 1, 2), first=False)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "a"}
    assert second["choices"][0]["delta"] == {"content": "b"}
    assert second["choices"][0]["finish_reason"] == "length"
    assert first["usage"] is None
    last = api.usage_chunk(call, [[Delta(0, "b", (), "length", 1, 2)]])
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 3
    assert api.sse({"a": "é\n"}) == 'data: {"a": "é\\n"}\n\n'
