"""The number of requests in flight against endpoints of known capacity."""

import threading

from ray_app.teacher.client import OpenAITeacher, Request
from ray_app.teacher.flow import FIRST, Flow
from tests.teacher.endpoint import Answer, said, serve


def after_rounds(
    count: int, capacity: int, most: int = 256, flow: Flow | None = None, at: list[float] | None = None
) -> Flow:
    """Rounds at an endpoint that answers up to `capacity` requests of 10 tokens at a time, one second each."""
    now = at if at is not None else [0.0]
    flow = flow or Flow(most, clock=lambda: now[0])
    for _ in range(count):
        places = flow.places
        now[0] += max(1.0, places / capacity)
        for _ in range(places):
            flow.answered(10)
    return flow


def test_flow_doubles_while_more_requests_bring_more_answers() -> None:
    assert after_rounds(3, capacity=1000).places == 8 * FIRST


def test_flow_stays_within_what_is_allowed() -> None:
    assert after_rounds(9, capacity=1000, most=20).places == 20
    assert Flow(3).places == 3


def test_flow_grows_by_one_where_the_endpoint_is_full() -> None:
    full = after_rounds(4, capacity=16).places
    assert full < 4 * 16
    assert after_rounds(9, capacity=16).places == full + 5


def test_flow_halves_once_a_round_when_refused() -> None:
    flow = after_rounds(2, capacity=1000)
    before = flow.places
    for _ in range(5):
        flow.refused()
    assert flow.places == before // 2
    for _ in range(20 * before):
        flow.refused()
        for _ in range(flow.places):
            flow.answered(1)
    assert flow.places == 1


def test_flow_backs_off_where_the_endpoint_became_slow() -> None:
    now = [0.0]
    flow = after_rounds(6, capacity=32, flow=Flow(256, clock=lambda: now[0]), at=now)
    before = flow.places
    after_rounds(1, capacity=8, flow=flow, at=now)
    assert flow.places == before - before // 4


def test_teacher_finds_what_an_endpoint_can_take() -> None:
    lock, running, most = threading.Lock(), [0], [0]
    turn = threading.Semaphore(0)

    def script(body: dict[str, object], serial: int) -> Answer:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
            busy = running[0] > 4
        turn.acquire(timeout=0.005)
        with lock:
            running[0] -= 1
        return (429, {"error": "slow down"}) if busy else said("yes")

    with serve(script) as endpoint:
        teacher = OpenAITeacher(endpoint.url, "m", concurrency=64, attempts=50, sleep=lambda _: None)
        replies = list(teacher.complete(Request(prompt=f"{n}") for n in range(300)))
        teacher.close()
    assert [reply.texts for reply in replies] == [("yes",)] * 300
    assert most[0] <= 2 * FIRST
    assert teacher.usage.retries < 300
