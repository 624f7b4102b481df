"""The teacher inside the cluster: what it needs is said; with vLLM (`make test-vllm`) it answers, once per question."""

import dataclasses
import importlib.util
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from ray_app.errors import EngineError, InputError
from ray_app.teacher.client import Reply, Request
from ray_app.teacher.engine import Engine, EngineTeacher, require_vllm

HAS_VLLM = importlib.util.find_spec("vllm") is not None
SETTINGS = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_NUM_OF_RESERVED_CPU": "0", "HF_HUB_OFFLINE": "1"}
ARGUMENTS = {"max_model_len": 512, "dtype": "float32", "enforce_eager": True, "max_num_seqs": 8}


def chat(text: str, max_tokens: int = 8) -> Request:
    return Request(({"role": "user", "content": text},), max_tokens=max_tokens, seed=0)


@pytest.mark.skipif(HAS_VLLM, reason="vLLM is installed here")
@pytest.mark.usefixtures("cluster")
def test_vllm_is_looked_for_where_it_would_run_and_its_absence_names_machine_and_remedy() -> None:
    with pytest.raises(EngineError, match=f"{socket.gethostname()} has no vLLM: `make install-gpu`"):
        require_vllm("some/model", 0)
    Engine("some/model").teacher()  # who only asks needs none


def test_engine_with_all_replies_in_the_cache_starts_nothing(tmp_path: Path) -> None:
    teacher = EngineTeacher(Engine("some/model", revision="r", cache_dir=str(tmp_path)))
    stored = Reply(("four",), 9, 1, finish_reasons=("stop",)).stored()
    assert teacher.cache is not None
    teacher.cache.put(teacher.key(chat("2 + 2?")), stored)
    (reply, again) = teacher.complete([chat("2 + 2?"), chat("2 + 2?")])
    assert (reply.texts, reply.cached, again) == (("four",), True, reply)
    assert (teacher.usage.cached, teacher.usage.tokens) == (1, 0)


def test_raw_prompt_is_an_input_error() -> None:
    with pytest.raises(InputError, match="give messages"):
        list(EngineTeacher(Engine("some/model")).complete([Request(prompt="2 + 2 =")]))


def test_several_texts_are_asked_for_one_by_one_and_come_together(tmp_path: Path) -> None:
    teacher = EngineTeacher(Engine("some/model", cache_dir=str(tmp_path)))
    assert teacher.cache is not None
    for number, text in enumerate(("four", "4", "vier")):
        single = dataclasses.replace(chat("2 + 2?"), seed=number)
        teacher.cache.put(teacher.key(single), Reply((text,), 9, 1, finish_reasons=("stop",)).stored())
    (reply,) = teacher.complete([dataclasses.replace(chat("2 + 2?"), n=3)])
    assert reply.texts == ("four", "4", "vier")
    assert reply.finish_reasons == ("stop",) * 3
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cached) == (27, 3, True)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        ray.init(
            address="local", num_cpus=8, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False
        )
        yield
        ray.shutdown()


@pytest.mark.vllm
@pytest.mark.skipif(not HAS_VLLM, reason="needs vLLM: run `make test-vllm`")
@pytest.mark.usefixtures("cluster")
def test_engine_answers_in_order_reports_what_it_refuses_and_asks_nothing_twice(tmp_path: Path) -> None:
    engine = Engine("smollm2-135m-instruct", arguments=ARGUMENTS, gpus=0, batch_size=4, cache_dir=str(tmp_path))
    questions = [chat("Say yes."), chat("word " * 600), chat("Count to three.", 12), chat("Say yes.")]
    teacher = engine.teacher()
    yes, refused, counted, same = teacher.complete(questions)
    assert yes.texts[0]
    assert same == yes
    assert 0 < yes.completion_tokens <= 8
    assert yes.prompt_tokens > 5
    assert counted.texts != yes.texts
    assert refused.texts == ()
    assert refused.error
    assert (teacher.usage.requests, teacher.usage.failed) == (2, 1)
    once_more = engine.teacher()
    assert [reply.texts for reply in once_more.complete([questions[0], questions[2]])] == [yes.texts, counted.texts]
    assert (once_more.usage.requests, once_more.usage.cached) == (0, 2)
