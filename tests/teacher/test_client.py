"""The OpenAI-compatible client against a real HTTP server on loopback."""

import socket
from pathlib import Path
from typing import Any

import pytest

from ray_app.errors import InputError, TeacherError
from ray_app.teacher.budget import Price
from ray_app.teacher.client import OpenAITeacher, Request
from tests.teacher.endpoint import said, serve


def chat(text: str, **options: Any) -> Request:
    return Request(messages=({"role": "user", "content": text},), **options)


def echo(body: dict[str, Any], serial: int) -> tuple[int, Any]:
    return said(body["messages"][0]["content"].upper() if "messages" in body else body["prompt"] + "!")


def test_replies_many_requests_come_in_order() -> None:
    with serve(echo) as endpoint:
        teacher = OpenAITeacher(endpoint.url, "m", concurrency=4)
        replies = list(teacher.complete(chat(f"q{i}") for i in range(40)))
    assert [reply.texts for reply in replies] == [(f"Q{i}",) for i in range(40)]
    assert teacher.usage.requests == 40
    assert teacher.usage.tokens == 40 * 15


def test_prompt_request_uses_the_completions_endpoint_with_its_options() -> None:
    with serve(echo) as endpoint:
        teacher = OpenAITeacher(endpoint.url, "m", "secret")
        (reply,) = teacher.complete([Request(prompt="1 + 1 =", seed=3, stop=("\n",), temperature=0.5)])
    assert reply.texts == ("1 + 1 =!",)
    assert reply.finish_reasons == ("stop",)
    assert endpoint.paths == ["/v1/completions"]
    assert endpoint.headers["Authorization"] == "Bearer secret"
    assert endpoint.bodies[0] == {
        "model": "m",
        "max_tokens": 1024,
        "temperature": 0.5,
        "prompt": "1 + 1 =",
        "seed": 3,
        "stop": ["\n"],
    }


def test_equal_requests_are_paid_for_once_across_runs(tmp_path: Path) -> None:
    with serve(echo) as endpoint:
        first = OpenAITeacher(endpoint.url, "m", cache_dir=tmp_path)
        assert [r.texts for r in first.complete([chat("a"), chat("a"), chat("b")])] == [("A",), ("A",), ("B",)]
        second = OpenAITeacher(endpoint.url, "m", cache_dir=tmp_path)
        replies = list(second.complete([chat("b"), chat("a")]))
    assert len(endpoint.bodies) == 2
    assert [(r.texts, r.cached) for r in replies] == [(("B",), True), (("A",), True)]
    assert second.usage.cached == 2
    assert second.usage.tokens == 0


def test_cache_of_another_model_or_seed_is_not_used(tmp_path: Path) -> None:
    with serve(echo) as endpoint:
        list(OpenAITeacher(endpoint.url, "m", cache_dir=tmp_path).complete([chat("a", seed=1)]))
        list(OpenAITeacher(endpoint.url, "other", cache_dir=tmp_path).complete([chat("a", seed=1)]))
        list(OpenAITeacher(endpoint.url, "m", cache_dir=tmp_path).complete([chat("a", seed=2)]))
    assert len(endpoint.bodies) == 3


def test_half_written_cache_file_is_asked_again_and_replaced(tmp_path: Path) -> None:
    with serve(echo) as endpoint:
        list(OpenAITeacher(endpoint.url, "m", cache_dir=tmp_path).complete([chat("a")]))
        (stored,) = tmp_path.rglob("*.json")
        stored.write_text(stored.read_text()[:20])
        (again,) = OpenAITeacher(endpoint.url, "m", cache_dir=tmp_path).complete([chat("a")])
        (third,) = OpenAITeacher(endpoint.url, "m", cache_dir=tmp_path).complete([chat("a")])
    assert again.texts == ("A",)
    assert third.cached
    assert len(endpoint.bodies) == 2


def test_overloaded_endpoint_is_retried_with_growing_waits_then_answers() -> None:
    waits: list[float] = []
    with serve(lambda body, serial: (503, "busy") if serial < 3 else said("fine")) as endpoint:
        teacher = OpenAITeacher(endpoint.url, "m", sleep=waits.append)
        (reply,) = teacher.complete([chat("a")])
    assert reply.texts == ("fine",)
    assert teacher.usage.retries == 3
    assert [round(wait / 2**i) for i, wait in enumerate(waits)] == [1, 1, 1]


def test_rate_limited_reply_waits_as_long_as_the_endpoint_asks() -> None:
    waits: list[float] = []
    script = lambda body, serial: (429, {"error": {"message": "slow down"}}) if serial == 0 else said("ok")  # noqa: E731
    with serve(script, headers={"Retry-After": "7"}) as endpoint:
        (reply,) = OpenAITeacher(endpoint.url, "m", sleep=waits.append).complete([chat("a")])
    assert reply.texts == ("ok",)
    assert waits == [7.0]


def test_refused_request_is_an_error_reply_beside_good_ones() -> None:
    def script(body: dict[str, Any], serial: int) -> tuple[int, Any]:
        if body["messages"][0]["content"] == "bad":
            return 400, {"error": {"message": "context length exceeded"}}
        return said("good")

    with serve(script) as endpoint:
        teacher = OpenAITeacher(endpoint.url, "m")
        replies = list(teacher.complete([chat("x"), chat("bad"), chat("y")]))
    assert [r.texts for r in replies] == [("good",), (), ("good",)]
    assert replies[1].error == "HTTP 400: context length exceeded"
    assert teacher.usage.failed == 1


@pytest.mark.parametrize(
    "garbage",
    ["<html>proxy</html>", "{", "[]", {"choices": []}, {"choices": None}, {"error": "overloaded"}],
    ids=str,
)
def test_malformed_replies_are_an_error_reply_after_the_retries(garbage: Any, tmp_path: Path) -> None:
    with serve(lambda body, serial: (200, garbage)) as endpoint:
        teacher = OpenAITeacher(endpoint.url, "m", attempts=2, sleep=lambda s: None, cache_dir=tmp_path)
        (reply,) = teacher.complete([chat("a")])
    assert reply.texts == ()
    assert reply.error is not None
    assert reply.error.startswith("gave up after 2 attempts")
    assert list(tmp_path.rglob("*.json")) == []


def test_choice_without_text_is_an_empty_text() -> None:
    with serve(lambda body, serial: (200, {"choices": [{"message": {"content": None}}, 7]})) as endpoint:
        (reply,) = OpenAITeacher(endpoint.url, "m").complete([chat("a", n=2)])
    assert reply.texts == ("", "")


def test_endpoint_without_n_is_asked_until_all_texts_are_there() -> None:
    with serve(lambda body, serial: said(f"text {body.get('seed')}")) as endpoint:
        (reply,) = OpenAITeacher(endpoint.url, "m").complete([chat("a", n=3, seed=10)])
    assert reply.texts == ("text 10", "text 11", "text 12")
    assert (reply.prompt_tokens, reply.completion_tokens) == (30, 15)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_dead_endpoint_is_an_error_that_names_url_and_remedy() -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    teacher = OpenAITeacher(url, "m", attempts=2, sleep=lambda s: None)
    with pytest.raises(TeacherError, match=f"no answer from {url}.*start the endpoint"):
        list(teacher.complete([chat("a")]))


def test_slow_endpoint_is_an_error_reply_after_the_time_outs() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        teacher = OpenAITeacher(url, "m", attempts=2, timeout_s=0.05, sleep=lambda s: None)
        (reply,) = teacher.complete([chat("a")])
    assert reply.error == "gave up after 2 attempts: ReadTimeout: timed out"


@pytest.mark.parametrize(("status", "hint"), [(401, "API key"), (403, "API key"), (404, "model name")])
def test_wrong_key_or_model_stops_at_once_with_the_remedy(status: int, hint: str) -> None:
    with serve(lambda body, serial: (status, {"error": {"message": "no"}})) as endpoint:
        teacher = OpenAITeacher(endpoint.url, "m", concurrency=1)
        with pytest.raises(TeacherError, match=hint):
            list(teacher.complete(chat(str(i)) for i in range(50)))
    assert len(endpoint.bodies) <= 5


def test_endpoint_that_only_fails_stops_the_run() -> None:
    with serve(lambda body, serial: (500, "broken")) as endpoint:
        teacher = OpenAITeacher(endpoint.url, "m", concurrency=2, attempts=2, sleep=lambda s: None)
        with pytest.raises(TeacherError, match=r"[89] requests in a row: HTTP 500"):
            list(teacher.complete(chat(str(i)) for i in range(100)))


def test_budget_stops_before_it_is_exceeded_and_a_rerun_pays_only_the_rest(tmp_path: Path) -> None:
    requests = [chat(f"q{i}", max_tokens=20) for i in range(10)]
    with serve(lambda body, serial: said("a", prompt_tokens=10, completion_tokens=20)) as endpoint:
        poor = OpenAITeacher(endpoint.url, "m", cache_dir=tmp_path, concurrency=3, max_tokens=150)
        replies = poor.complete(requests)
        assert next(replies).texts == ("a",)
        with pytest.raises(TeacherError, match="budget of 150 tokens is spent"):
            list(replies)
        assert poor.usage.tokens <= 150
        paid = len(endpoint.bodies)
        rich = OpenAITeacher(endpoint.url, "m", cache_dir=tmp_path)
        assert all(reply.texts for reply in rich.complete(requests))
    assert paid == poor.usage.requests
    assert len(endpoint.bodies) == 10


def test_budget_in_dollars_counts_both_prices() -> None:
    price = Price(prompt_usd=1.0, completion_usd=2.0)
    with serve(lambda body, serial: said("a", prompt_tokens=1_000, completion_tokens=500)) as endpoint:
        teacher = OpenAITeacher(endpoint.url, "m", concurrency=1, price=price, max_usd=0.005)
        with pytest.raises(TeacherError, match=r"budget of 0\.005 USD is spent"):
            list(teacher.complete(chat(str(i), max_tokens=500) for i in range(9)))
    assert teacher.usage.cost_usd == pytest.approx(0.004)


def test_estimate_sends_nothing_and_leaves_out_what_is_cached(tmp_path: Path) -> None:
    price = Price(prompt_usd=1.0, completion_usd=10.0)
    with serve(echo) as endpoint:
        teacher = OpenAITeacher(endpoint.url, "m", cache_dir=tmp_path, price=price)
        list(teacher.complete([chat("a")]))
        estimate = teacher.estimate([chat("a"), chat("b" * 300, max_tokens=50, n=2)])
    assert len(endpoint.bodies) == 1
    assert (estimate.requests, estimate.cached, estimate.completion_tokens) == (1, 1, 100)
    assert 100 <= estimate.prompt_tokens <= 120
    assert estimate.cost_usd == pytest.approx((estimate.prompt_tokens + 1000) / 1e6)


def test_rate_limit_spaces_requests_evenly() -> None:
    now, waits = [0.0], []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    with serve(echo) as endpoint:
        teacher = OpenAITeacher(
            endpoint.url, "m", concurrency=1, requests_per_minute=30, sleep=sleep, clock=lambda: now[0]
        )
        list(teacher.complete(chat(str(i)) for i in range(4)))
    assert waits == [2.0, 2.0, 2.0]


def test_only_a_window_of_a_long_stream_is_read_ahead() -> None:
    read = 0

    def stream() -> Any:
        nonlocal read
        for i in range(1_000):
            read += 1
            yield chat(str(i))

    with serve(echo) as endpoint:
        replies = OpenAITeacher(endpoint.url, "m", concurrency=2).complete(stream())
        next(replies)
        assert read <= 10
        replies.close()  # type: ignore[attr-defined]


def test_request_with_both_or_neither_kind_of_prompt_is_an_input_error() -> None:
    with pytest.raises(InputError, match="either messages or a prompt"):
        Request()
    with pytest.raises(InputError, match="either messages or a prompt"):
        Request(messages=({"role": "user", "content": "a"},), prompt="b")


def test_teacher_with_a_malformed_url_is_an_input_error() -> None:
    with pytest.raises(InputError, match="localhost:8000/v1"):
        OpenAITeacher("localhost:8000", "m")
