"""Which stated values are a model's own choice: in process and through an endpoint that echoes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from ray_app.evaluation import forced
from ray_app.evaluation.passages import Passage, passage
from ray_app.evaluation.worker import read_along
from ray_app.records import ClaimScore, Reject, Sample
from ray_app.serving import openai_api as api
from ray_app.serving.engine import TransformersEngine
from ray_app.serving.generation import EngineOptions
from ray_app.teacher.endpoint import Endpoint
from ray_app.training import attention
from tests.evaluation.test_decisions import CODE_F, PROSE, STATES
from tests.teacher.endpoint import Answer, serve
from tests.training.training_kit import build_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_model(tmp_path_factory.mktemp("forced"), context=1_024)


@pytest.fixture(scope="module")
def tokenizer(model: Path) -> Any:
    return AutoTokenizer.from_pretrained(model)


@pytest.fixture(scope="module")
def read(tokenizer: Any) -> list[Passage]:
    samples = [
        Sample(name, "forward", f"What does {name} give?", text, "p", 1, "held_out")
        for name, text in (("prose", PROSE), ("states", STATES))
    ]
    made = [passage(CODE_F, sample, tokenizer, "chat", 1_024) for sample in samples]
    assert all(isinstance(one, Passage) for one in made)
    return [one for one in made if isinstance(one, Passage)]


def rows_in_process(model: Path, tokenizer: Any, read: list[Passage], **sizes: int) -> list[ClaimScore]:
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        model, dtype=torch.float32, attn_implementation=attention.register()
    )
    found = forced.choices(read, loaded.eval(), tokenizer.decode, **sizes)
    return [row for one, choices in found for row in forced.scores(one, "m", choices)]


@pytest.fixture(scope="module")
def engine(model: Path) -> Iterator[TransformersEngine]:
    made = TransformersEngine(model, EngineOptions(device="cpu", prefill_tokens=64, threads=1))
    yield made
    made.close()


def echoing(engine: TransformersEngine) -> Any:
    """A script that answers as the served application does."""
    import json

    def reply(body: dict[str, Any], _: int) -> Answer:
        call = api.parse_completion(json.dumps(body).encode())
        return 200, api.response(call, list(engine.generate(call.generations)))

    return reply


def test_an_endpoint_and_the_process_find_the_same(
    model: Path, tokenizer: Any, read: list[Passage], engine: TransformersEngine
) -> None:
    here = rows_in_process(model, tokenizer, read)
    with serve(echoing(engine)) as endpoint:
        there = [row for row in read_along(read, Endpoint("m", url=endpoint.url)) if isinstance(row, ClaimScore)]
    assert len(here) == sum(len(one.placed) for one in read) > 60
    assert there == here
    assert endpoint.bodies[0]["max_tokens"] == 0


def test_texts_read_together_and_alone_give_the_same(model: Path, tokenizer: Any, read: list[Passage]) -> None:
    together = rows_in_process(model, tokenizer, read, batch_tokens=4_096)
    assert together == rows_in_process(model, tokenizer, read, batch_tokens=1)


def test_a_model_that_knows_the_text_is_right_everywhere(tokenizer: Any, read: list[Passage]) -> None:
    for one in read:
        known = [forced.Choice(True, tokenizer.decode([token])) for token in one.ids[1:]]
        assert all(row.right for row in forced.scores(one, "m", known))


def test_one_wrong_token_spoils_its_decision_alone(tokenizer: Any, read: list[Passage]) -> None:
    known = [forced.Choice(True, tokenizer.decode([token])) for token in read[0].ids[1:]]
    spoilt = read[0].placed[3]
    known[spoilt.last - 2] = forced.Choice(False, "?")
    assert [row.place for row in forced.scores(read[0], "m", known) if not row.right] == [3]


def test_a_value_that_the_model_would_go_on_with_is_wrong(tokenizer: Any, read: list[Passage]) -> None:
    known = [forced.Choice(True, tokenizer.decode([token])) for token in read[1].ids[1:]]
    number = next(n for n, placed in enumerate(read[1].placed) if placed.stated == "0" and placed.closed)
    after = read[1].placed[number].last - 1
    for text, right in (("7", False), ("x", False), (".", True), ("\n", True), (" 7", True)):
        known[after] = forced.Choice(False, text)
        row = list(forced.scores(read[1], "m", known))[number]
        assert (row.right, row.chosen) == (right, "0" if right else f"0{text}")


def test_an_endpoint_with_another_tokenizer_is_refused_by_text(read: list[Passage]) -> None:
    def other(*_: Any) -> Answer:
        logprobs = {"token_logprobs": [None, -1.0], "top_logprobs": [None, {"a": -1.0}], "tokens": ["b", "a"]}
        return 200, {"choices": [{"text": "", "finish_reason": "length", "logprobs": logprobs}], "usage": {}}

    with serve(other) as endpoint:
        found = list(read_along(read, Endpoint("m", url=endpoint.url)))
    assert [row.reason for row in found if isinstance(row, Reject)] == ["other-tokenizer"] * 2


def test_a_text_that_is_too_long_or_decides_nothing_is_refused(tokenizer: Any) -> None:
    long = passage(CODE_F, Sample("s", "forward", "?", PROSE, "p", 1, "held_out"), tokenizer, "chat", 64)
    empty = passage(CODE_F, Sample("s", "forward", "?", "It is fine.", "p", 1, "held_out"), tokenizer, "chat", 64)
    assert [one.reason for one in (long, empty) if isinstance(one, Reject)] == ["too-long", "decides-nothing"]


def test_decisions_lie_on_the_tokens_that_hold_them(tokenizer: Any, read: list[Passage]) -> None:
    for one in read:
        for placed in one.placed:
            held = tokenizer.decode(one.ids[placed.first : placed.last])
            assert placed.stated in held
            inner = tokenizer.decode(one.ids[placed.first + 1 : placed.last])
            assert placed.stated not in inner


def test_paper_style_lies_on_the_same_texts(tokenizer: Any) -> None:
    made = passage(CODE_F, Sample("s", "forward", "?", STATES, "p", 1, "held_out"), tokenizer, "paper", 1_024)
    assert isinstance(made, Passage)
    assert made.ids[0] == tokenizer.bos_token_id
    assert made.ids[-1] == tokenizer.eos_token_id
