"""Streams that survive a dying replica: nothing twice, nothing missing."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from ray_app.errors import EngineError
from ray_app.serving import openai_api as api
from ray_app.serving.generation import Delta, Generation
from ray_app.serving.streaming import Resumable, events


def delta(text: str, choice: int = 0, finish: bool = False) -> Delta:
    return Delta(choice, text, (), "stop" if finish else None, 1, 1)


def test_resumable_skips_what_a_second_run_repeats() -> None:
    seen = Resumable()
    seen.restart()
    assert [seen.is_new(delta(text)) for text in "ab"] == [True, True]
    assert seen.is_new(delta("x", choice=1))
    seen.restart()
    assert [seen.is_new(delta(text)) for text in "abc"] == [False, False, True]
    assert [seen.is_new(delta(text, choice=1)) for text in "xy"] == [False, True]
    seen.restart()
    assert [seen.is_new(delta(text)) for text in "abcd"] == [False, False, False, True]


def test_resumable_refuses_a_second_run_that_differs() -> None:
    seen = Resumable()
    seen.restart()
    seen.is_new(delta("a"))
    seen.restart()
    with pytest.raises(EngineError, match="continued differently"):
        seen.is_new(delta("b"))


def collect(prompts: list[str], source: "dict[str, list[list[Delta]]]", **fields: object) -> list[str]:
    call = api.parse_completion(json.dumps({"model": "m", "prompt": prompts, "stream": True, **fields}).encode())

    async def run(generation: Generation) -> AsyncIterator[list[Delta]]:
        for deltas in source[str(generation.prompt)]:
            await asyncio.sleep(0)
            yield deltas

    async def gather() -> list[str]:
        return [event async for event in events(call, run)]

    return asyncio.run(gather())


def test_events_of_several_prompts_carry_their_own_numbers_and_end_once() -> None:
    source = {"p": [[delta("a"), delta("b")], [delta("", finish=True)]], "q": [[delta("c", finish=True)]]}
    got = "".join(collect(["p", "q"], source)).split("\n\n")
    assert got[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(event.removeprefix("data: "))["choices"][0] for event in got[:-2]]
    texts = {number: "".join(c["text"] for c in chunks if c["index"] == number) for number in (0, 1)}
    assert texts == {0: "ab", 1: "c"}
    assert sum(chunk["finish_reason"] == "stop" for chunk in chunks) == 2


def test_events_report_the_engines_error() -> None:
    async def broken(generation: Generation) -> AsyncIterator[list[Delta]]:
        yield [delta("a")]
        raise EngineError("gone")

    async def gather() -> None:
        async for _ in events(api.parse_completion(b'{"model": "m", "prompt": "p", "stream": true}'), broken):
            pass

    with pytest.raises(EngineError, match="gone"):
        asyncio.run(gather())
