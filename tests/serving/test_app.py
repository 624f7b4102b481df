"""The endpoint as clients see it: the real OpenAI client against Ray Serve on loopback."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import yaml

from ray_app.errors import InputError
from ray_app.serving import app
from ray_app.serving.engine import TransformersEngine
from ray_app.serving.generation import Delta, EngineOptions, Generation

GREEDY: dict[str, Any] = {"temperature": 0, "max_tokens": 24, "extra_body": {"ignore_eos": True}}
OPENINGS = ("def total(xs):", "Once upon a time", "1 + 2 =", "The capital of")
MESSAGES: Any = [{"role": "user", "content": "hi"}]


@pytest.fixture
def client(url: str, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key=key, max_retries=0)


@pytest.fixture(scope="module")
def expected(tiny: Path) -> Delta:
    """What the engine itself says to "hi"."""
    engine = TransformersEngine(tiny, EngineOptions(device="cpu", threads=1))
    found = next(engine.generate([Generation("hi", max_tokens=24, temperature=0, ignore_eos=True)]))[0]
    engine.close()
    return found


def test_models_are_listed_side_by_side(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["base", "tuned"]
    assert client.models.retrieve("tuned").id == "tuned"
    with pytest.raises(openai.NotFoundError, match="base, tuned"):
        client.models.retrieve("other")


def test_completion_is_what_the_engine_says(client: openai.OpenAI, expected: Delta) -> None:
    answer = client.completions.create(model="base", prompt=["hi", "hi"], **GREEDY)
    assert [choice.text for choice in answer.choices] == [expected.text, expected.text]
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (2 * expected.prompt_tokens, 48)


def test_a_stream_adds_up_to_the_whole_completion(client: openai.OpenAI, expected: Delta) -> None:
    stream = client.completions.create(
        model="tuned", prompt="hi", stream=True, stream_options={"include_usage": True}, **GREEDY
    )
    chunks = list(stream)
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == expected.text
    assert len(chunks) > 2
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 24


def test_chat_with_choices_logprobs_and_seed_repeats_itself(client: openai.OpenAI) -> None:
    def ask() -> list[tuple[str | None, list[float]]]:
        answer = client.chat.completions.create(
            model="base", messages=MESSAGES, n=3, seed=5, max_tokens=12, logprobs=True, top_logprobs=2
        )
        return [
            (c.message.content, [t.logprob for t in (c.logprobs and c.logprobs.content) or []]) for c in answer.choices
        ]

    first, second = ask(), ask()
    assert [text for text, _ in first] == [text for text, _ in second]
    assert len({text for text, _ in first}) == 3
    assert all(0 < len(scores) <= 12 and max(scores) <= 0 for _, scores in first)


def test_chat_stream_names_the_assistant_and_finishes(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="base", messages=MESSAGES, stream=True, **GREEDY))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["length"]


def test_many_clients_at_once_get_their_own_answers(url: str, key: str) -> None:
    async def ask_all() -> list[str]:
        async with openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0) as client:
            asks = [client.completions.create(model="base", prompt=OPENINGS[i % 4], **GREEDY) for i in range(48)]
            return [answer.choices[0].text for answer in await asyncio.gather(*asks)]

    texts = asyncio.run(ask_all())
    assert texts == texts[:4] * 12
    assert len(set(texts[:4])) == 4


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"model": "other"}, openai.NotFoundError),
        ({"prompt": "x " * 2000}, openai.BadRequestError),
        ({"prompt": ""}, openai.BadRequestError),
        ({"temperature": -1}, openai.BadRequestError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_bad_request_gets_its_status(client: openai.OpenAI, fields: Any, error: Any, stream: bool) -> None:
    with pytest.raises(error) as refused:
        client.completions.create(**{"model": "base", "prompt": "x", "stream": stream, **fields})
    message = refused.value.body["message"]
    assert message
    assert "Traceback" not in message
    assert "ray::" not in message


@pytest.mark.parametrize("stream", [False, True])
def test_guided_output_is_refused_where_the_engine_cannot(client: openai.OpenAI, stream: bool) -> None:
    form: Any = {"type": "json_object"}
    with pytest.raises(openai.BadRequestError, match="needs the vLLM engine"):
        client.chat.completions.create(model="base", messages=MESSAGES, response_format=form, stream=stream)


def test_bad_json_wrong_path_and_wrong_key_are_refused(url: str, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    bad = httpx.post(f"{url}/chat/completions", content=b"{nonsense", headers=headers)
    assert (bad.status_code, bad.json()["error"]["code"]) == (400, "invalid_json")
    assert httpx.get(f"{url}/nothing", headers=headers).status_code == 404
    assert httpx.post(f"{url}/chat/completions", json={}).status_code == 401
    assert httpx.get(f"{url}/models", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_the_sandbox_endpoints_trace_verify_debug_and_run_code(url: str, key: str) -> None:
    code = "def f(x):\n    y = x + 1\n    return y * 2\n"
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http:
        traced = http.post(f"{url}/trace", json={"code": code, "call": "f(2)"}).json()
        assert (traced["output"], traced["accepted"]) == ("6", True)
        text = traced["monologue"].replace("6", "7")
        checked = http.post(f"{url}/verify", json={"code": code, "call": "f(2)", "text": text}).json()
        assert not checked["accepted"]
        debug = {"code": code, "test": "f(2) == 7", "model": "base", "attempts": 2, "max_tokens": 16}
        debugged = http.post(f"{url}/debug", json=debug).json()
        assert debugged["fails"]
        assert "f(2) gives 6" in debugged["diagnosis"]
        assert debugged["attempts"] == 2
        ran = http.post(f"{url.removesuffix('/v1')}/run_code", json={"code": "print(input())", "stdin": "hi"}).json()
        assert (ran["status"], ran["run_result"]["stdout"]) == ("Success", "hi\n")
        unknown = http.post(f"{url}/debug", json={**debug, "model": "other"})
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
        assert http.post(f"{url}/trace", json={"code": code, "call": "f("}).status_code == 400
    assert httpx.post(f"{url.removesuffix('/v1')}/run_code", json={"code": "1"}).status_code == 401


def test_the_page_is_served_and_may_load_nothing_from_elsewhere(url: str) -> None:
    page = httpx.get(url.removesuffix("v1"))
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "<textarea" in page.text


def test_health_and_readiness_need_no_key(url: str) -> None:
    root = url.removesuffix("/v1")
    assert httpx.get(f"{root}/health").json() == {"status": "ok"}
    assert httpx.get(f"{root}/ready").json() == {"status": "ok", "context": {"base": 1024, "tuned": 1024}}


def test_build_refuses_what_it_does_not_know() -> None:
    with pytest.raises(InputError, match="modles"):
        app.build({"modles": {}})
    with pytest.raises(InputError, match="threds"):
        app.build({"models": {"a": "b"}, "options": {"engine": {"threds": 1}}})
    with pytest.raises(InputError, match="no model"):
        app.build({})


def test_serve_config_file_builds() -> None:
    path = Path(__file__).parents[2] / "cluster" / "serve.yaml"
    config = yaml.safe_load(path.read_text())
    (application,) = config["applications"]
    assert application["import_path"] == "ray_app.serving.app:build"
    assert json.dumps(application["args"])
    app.build(application["args"])


def test_run_without_a_cluster_says_how_to_get_one() -> None:
    script = "from ray_app.serving import app; app.run({'base': 'x'})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ClusterError: no Ray cluster is connected" in done.stderr
