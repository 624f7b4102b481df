"""Streams that survive a dying replica: nothing twice, nothing missing."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from ray_app.errors import EngineError
from ray_app.serving import openai_api as api
from ray_app.serving.generation import Delta, Generation, Token
from ray_app.serving.streaming import Inbox, Resumable, events


def delta(text: str, choice: int = 0, finish: bool = False) -> Delta:
    return Delta(choice, text, (), "stop" if finish else None, 1, 1)


def texts(seen: Resumable, pieces: str | list[str], choice: int = 0) -> list[str]:
    seen.restart()
    fresh = [seen.fresh(delta(text, choice)) for text in pieces]
    return [new.text for new in fresh if new is not None]


def test_resumable_hands_out_only_what_a_second_run_adds() -> None:
    seen = Resumable()
    assert texts(seen, "ab") == ["a", "b"]
    assert texts(seen, "abc") == ["c"]
    assert texts(seen, ["abcd", "e"]) == ["d", "e"]
    assert texts(seen, "x", choice=1) == ["x"]
    assert texts(seen, ["a", "bc", "def"]) == ["f"]


def test_resumable_keeps_the_end_of_a_choice_and_its_new_tokens() -> None:
    seen = Resumable()
    tokens = tuple(Token(letter, -1.0, ()) for letter in "abc")
    seen.restart()
    seen.fresh(Delta(0, "ab", tokens[:2], None, 1, 2))
    seen.restart()
    again = seen.fresh(Delta(0, "abc", tokens, "stop", 1, 3))
    assert again == Delta(0, "c", tokens[2:], "stop", 1, 3)


def test_resumable_refuses_a_second_run_that_differs() -> None:
    seen = Resumable()
    texts(seen, "ab")
    with pytest.raises(EngineError, match="continued differently"):
        texts(seen, "ax")


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


def test_events_end_when_their_source_breaks_in_an_unforeseen_way() -> None:
    call = api.parse_completion(json.dumps({"model": "m", "prompt": ["a", "b"], "stream": True}).encode())

    async def breaks(generation: Generation) -> AsyncIterator[list[Delta]]:
        yield [delta(str(generation.prompt))]
        raise ZeroDivisionError("a bug")

    async def gather() -> list[str]:
        return [event async for event in events(call, breaks)]

    with pytest.raises(ZeroDivisionError, match="a bug"):
        asyncio.run(asyncio.wait_for(gather(), 10))


def take(arriving: list[Delta | EngineError], pause_s: float) -> list[Delta]:
    """What a reader gets that has had something and waits again when another thread hands in its items."""

    async def read() -> list[Delta]:
        inbox = Inbox(asyncio.get_running_loop())
        inbox.put(delta("before"))
        await inbox.take()
        reader = asyncio.create_task(inbox.take(pause_s))
        await asyncio.sleep(0)
        await asyncio.to_thread(lambda: [inbox.put(item) for item in arriving])
        return await asyncio.wait_for(reader, 20)

    return asyncio.run(read())


def test_inbox_without_a_pause_hands_out_what_comes() -> None:
    assert take([delta("a")], 0.0)[0].text == "a"


def test_inbox_gathers_what_comes_within_the_pause() -> None:
    assert [one.text for one in take([delta("a"), delta("b")], 0.05)] == ["a", "b"]


def test_inbox_cuts_the_pause_short_at_the_end_and_at_an_error() -> None:
    assert [one.text for one in take([delta("a"), delta("b", finish=True)], 3600.0)] == ["a", "b"]
    with pytest.raises(EngineError, match="gone"):
        take([delta("a"), EngineError("gone")], 3600.0)


def test_inbox_is_not_hurried_by_what_came_while_the_reader_was_busy() -> None:
    async def read() -> list[str]:
        inbox = Inbox(asyncio.get_running_loop())
        inbox.put(delta("a"))
        first = await inbox.take()
        inbox.put(delta("b"))
        waiting = asyncio.create_task(inbox.take(0.2))
        await asyncio.sleep(0)
        inbox.put(delta("c"))
        return ["".join(one.text for one in part) for part in (first, await waiting)]

    assert asyncio.run(read()) == ["a", "bc"]
