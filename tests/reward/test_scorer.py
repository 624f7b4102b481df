"""The pool: many at once, none waits for one that hangs, none falls with one that dies."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ray_app.reward import scorer as module
from ray_app.reward.scorer import Pool, Scorer
from tests.reward.kit import ANSWER, FORWARD, narration


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    pool = Pool(workers=2, seconds=2.0)
    yield pool
    pool.close()


def test_rewards_come_in_order_and_are_those_of_one_process(pool: Pool) -> None:
    other = replace(FORWARD, call="f([2])", truth="3")
    asked = [(FORWARD, ANSWER), (other, narration("f([2])")), (FORWARD, ""), (FORWARD, narration()), (other, ANSWER)]
    alone = Scorer()
    assert pool.score(asked) == [alone.score(*one) for one in asked]
    assert asyncio.run(pool.score_async(asked)) == pool.score(asked)
    assert pool.score([]) == []
    alone.close()


def test_program_without_an_end_costs_only_its_own_reply(pool: Pool) -> None:
    endless = replace(FORWARD, code="def f(xs):\n    while True:\n        xs.append(1)\n")
    begun = time.monotonic()
    found = pool.score([(endless, ANSWER), (FORWARD, ANSWER)])
    assert (found[0].process, found[1].right) == (0.0, True)
    assert time.monotonic() - begun < 30


def test_reply_that_takes_too_long_gets_nothing_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: object) -> None:
        while True:
            pass

    monkeypatch.setattr(module, "reward", never)
    hasty = Scorer(seconds=0.2)
    assert hasty.score(FORWARD, ANSWER).reason == "not verified within 0.2 s"
    hasty.close()


def test_killed_worker_costs_nobody_else(pool: Pool) -> None:
    asked = [(FORWARD, ANSWER), (FORWARD, narration())] * 20
    expected = pool.score(asked)
    processes = pool._processes
    assert processes is not None
    os.kill(next(iter(processes._processes)), signal.SIGKILL)
    assert pool.score(asked) == expected


@pytest.mark.parametrize(
    "reply",
    [
        "[" * 50_000,
        "(" * 3_000 + "[ANSWER]" + "(" * 3_000 + "[/ANSWER]",
        "[ANSWER]assert f([1, 2, 4]) == " + "9" * 100_000 + "[/ANSWER]",
        "[ANSWER]assert f([1, 2, 4]) == 10 ** 10 ** 10[/ANSWER]",
        "`total` becomes 10 ** 10 ** 10.\n" + ANSWER,
        "\x00\ud800" * 500,
        "total = 1, " * 5_000,
        ANSWER * 400,
    ],
    ids=["brackets", "depth", "digits", "power", "power in a claim", "surrogates", "commas", "answers"],
)
def test_hostile_reply_is_only_a_bad_one(pool: Pool, reply: str) -> None:
    found = pool.score([(FORWARD, reply), (FORWARD, ANSWER)])
    assert found[0].process <= 0.0
    assert found[1].right
