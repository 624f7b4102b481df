"""The transformers engine against transformers' own `generate`, on a tiny random model."""

import os
import queue
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from ray_app.errors import EngineError, InputError
from ray_app.serving.engine import TransformersEngine
from ray_app.serving.generation import Delta, EngineOptions, Generation, Message

PROMPTS = ["a", "def f(x):", "the quick brown fox jumps over the lazy dog", "1 + 2 = ", "x" * 90, "Grüße, 世界"]
KV_TOKEN = 2 * 2 * 2 * 8 * 4  # layers, keys and values, heads, dimension, bytes


@pytest.fixture(scope="module")
def engine(tiny: Path) -> Iterator[TransformersEngine]:
    made = TransformersEngine(tiny, EngineOptions(device="cpu", threads=1))
    yield made
    made.close()


def reference(model: Path, prompt: str, tokens: int) -> str:
    """Greedy text of transformers' own generation, one prompt at a time."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    ids = tokenizer(prompt, return_tensors="pt")
    loaded = AutoModelForCausalLM.from_pretrained(model)
    out = loaded.generate(**ids, max_new_tokens=tokens, do_sample=False, pad_token_id=0, eos_token_id=None)
    return tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)


def greedy(prompt: str, tokens: int = 24) -> Generation:
    return Generation(prompt, max_tokens=tokens, temperature=0, ignore_eos=True)


@pytest.mark.parametrize(
    "options",
    [
        EngineOptions(device="cpu", threads=1),
        EngineOptions(device="cpu", threads=1, max_batch=2, prefill_tokens=7),
        EngineOptions(device="cpu", threads=1, kv_bytes=640 * KV_TOKEN, prefill_tokens=16),
    ],
    ids=["one batch", "two rows, prompts in pieces", "cache too small for all"],
)
def test_greedy_text_of_a_ragged_batch_equals_generate(tiny: Path, options: EngineOptions) -> None:
    expected = [reference(tiny, prompt, 24) for prompt in PROMPTS]
    engine = TransformersEngine(tiny, options)
    got = [result[0].text for result in engine.generate(greedy(prompt) for prompt in PROMPTS)]
    engine.close()
    assert got == expected


def test_prompts_read_together_while_others_decode_equal_generate(tiny: Path, engine: TransformersEngine) -> None:
    """They begin at different columns: some copy a beginning, some are shorter than the piece that all share."""
    shared = "a few-shot example, and another one: "
    prompts = [shared + "x", *PROMPTS, shared + "a longer end", *(f"{i}" * i for i in range(1, 9)), shared]
    expected = [reference(tiny, prompt, 12) for prompt in prompts]
    list(engine.generate([greedy(shared)]))
    busy = [queue.SimpleQueue[Delta | EngineError]() for _ in range(2)]
    for number, results in enumerate(busy):
        engine.submit(greedy(f"busy {number}", 400), results.put)
        results.get()
    assert [result[0].text for result in engine.generate(greedy(prompt, 12) for prompt in prompts)] == expected


def test_sequences_that_outgrow_the_cache_are_continued_unchanged(tiny: Path, engine: TransformersEngine) -> None:
    jobs = [greedy(f"{i}: long", 300) for i in range(3)]
    expected = [result[0].text for result in engine.generate(jobs)]
    small = TransformersEngine(tiny, EngineOptions(device="cpu", threads=1, kv_bytes=600 * KV_TOKEN))
    got = [result[0] for result in small.generate(jobs)]
    small.close()
    assert [delta.text for delta in got] == expected
    assert [delta.completion_tokens for delta in got] == [300] * 3


def test_prompts_with_a_common_beginning_do_not_disturb_each_other(engine: TransformersEngine) -> None:
    shared = "examples: one, two, three, four; now "
    alone = [next(engine.generate([greedy(shared + tail)]))[0].text for tail in "abc"]
    together = [result[0].text for result in engine.generate(greedy(shared + tail) for tail in "abcabc")]
    assert together == alone * 2


def test_a_common_beginning_is_computed_once_also_for_prompts_that_come_later(engine: TransformersEngine) -> None:
    shared = "an instruction that every question of an exam begins with, and its example: " * 2
    ran = 0

    def count(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        nonlocal ran
        ran += inputs[0].numel() if isinstance(module, torch.nn.Embedding) else 0

    hook = torch.nn.modules.module.register_module_forward_pre_hook(count)
    try:
        for batch in ("abcdefgh", "ijkl"):
            list(engine.generate(greedy(shared + tail, 1) for tail in batch))
    finally:
        hook.remove()
    assert len(shared) < ran < 1.5 * len(shared)


def test_choices_of_one_request_differ_and_repeat_with_the_seed(engine: TransformersEngine) -> None:
    job = Generation("x", max_tokens=20, temperature=1.0, seed=3, n=4, ignore_eos=True)
    first, again = ([delta.text for delta in result] for result in engine.generate([job, job]))
    assert first == again
    assert len(set(first)) == 4


def test_text_ends_before_a_stop_string_that_spans_tokens(engine: TransformersEngine) -> None:
    whole = next(engine.generate([greedy("stop here", 40)]))[0].text
    stop = whole[10:13]
    job = Generation("stop here", max_tokens=40, temperature=0, stop=("never ever", stop), ignore_eos=True)
    delta = next(engine.generate([job]))[0]
    assert delta.text == whole[: whole.index(stop)]
    assert delta.finish == "stop"
    assert delta.completion_tokens < 40


def test_a_model_that_never_stops_ends_where_its_context_does(tiny: Path) -> None:
    small = TransformersEngine(tiny, EngineOptions(device="cpu", threads=1, max_context=96))
    delta = next(small.generate([Generation("for ever", temperature=0, ignore_eos=True)]))[0]
    small.close()
    assert (delta.finish, delta.prompt_tokens, delta.completion_tokens) == ("length", 8, 88)


def test_end_token_stops_and_is_not_part_of_the_text(tiny: Path, tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny)
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    ids = tokenizer("bye", return_tensors="pt")
    out = model.generate(**ids, max_new_tokens=6, do_sample=False, pad_token_id=0, eos_token_id=None)
    model.generation_config.eos_token_id = [int(out[0, -1])]
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    ending = TransformersEngine(tmp_path, EngineOptions(device="cpu", threads=1))
    delta = next(ending.generate([Generation("bye", max_tokens=50, temperature=0)]))[0]
    ending.close()
    assert delta.finish == "stop"
    assert delta.completion_tokens <= 6
    assert delta.text == tokenizer.decode(out[0, 3 : 3 + delta.completion_tokens - 1])


def test_logprobs_are_those_of_the_model(tiny: Path, engine: TransformersEngine) -> None:
    job = Generation("log", max_tokens=5, temperature=0, logprobs=3, ignore_eos=True)
    delta = next(engine.generate([job]))[0]
    tokenizer, model = AutoTokenizer.from_pretrained(tiny), AutoModelForCausalLM.from_pretrained(tiny)
    ids = tokenizer("log")["input_ids"]
    model.requires_grad_(False)
    for token in delta.tokens:
        scores = torch.log_softmax(model(torch.tensor([ids])).logits[0, -1], dim=-1)
        best = scores.topk(3)
        assert token.logprob == pytest.approx(float(best.values[0]), abs=1e-4)
        assert [value for _, value in token.top] == pytest.approx(best.values.tolist(), abs=1e-4)
        assert token.top[0][0] == token.text
        ids.append(int(best.indices[0]))


def test_echo_without_new_tokens_scores_the_prompt(tiny: Path, engine: TransformersEngine) -> None:
    job = Generation("score me", max_tokens=0, temperature=0, logprobs=1, echo=True)
    delta = next(engine.generate([job, job]))[0]
    tokenizer, model = AutoTokenizer.from_pretrained(tiny), AutoModelForCausalLM.from_pretrained(tiny)
    ids = torch.tensor(tokenizer("score me")["input_ids"])
    scores = torch.log_softmax(model(ids[None]).logits[0], dim=-1)[:-1].gather(1, ids[1:, None])[:, 0]
    assert delta.text == "score me"
    assert delta.finish == "length"
    assert delta.completion_tokens == 0
    assert delta.tokens[0].logprob is None
    assert [token.logprob for token in delta.tokens[1:]] == pytest.approx(scores.tolist(), abs=1e-4)


def test_chat_is_rendered_with_the_models_template(engine: TransformersEngine) -> None:
    chat = Generation((Message("user", "hi"),), max_tokens=8, temperature=0, ignore_eos=True)
    plain = greedy("<start>user:hi<end><start>assistant:", 8)
    as_chat, as_text = (result[0] for result in engine.generate([chat, plain]))
    assert as_chat == as_text


@pytest.mark.parametrize(
    ("generation", "words"),
    [
        (Generation(""), "empty"),
        (Generation((5, 9999)), "token id"),
        (Generation("x" * 1020, max_tokens=8), "context of 1024"),
        (Generation("x" * 1024), "context of 1024"),
        (Generation("x", json_schema="{}"), "vLLM"),
        (Generation((Message("user", "a"), Message("system", "b"))), "system comes first"),
    ],
)
def test_submit_of_what_cannot_run_says_why(engine: TransformersEngine, generation: Generation, words: str) -> None:
    with pytest.raises(InputError, match=words):
        engine.submit(generation, lambda delta: None)


def test_cancel_stops_one_request_and_leaves_the_others(engine: TransformersEngine) -> None:
    cancelled: queue.SimpleQueue[Delta | EngineError] = queue.SimpleQueue()
    cancel = engine.submit(greedy("cancel me", 900), cancelled.put)
    cancelled.get()
    cancel()
    assert next(engine.generate([greedy("other", 40)]))[0].completion_tokens == 40
    seen = [cancelled.get() for _ in range(cancelled.qsize())]
    assert all(isinstance(delta, Delta) and delta.finish is None for delta in seen)
    assert len(seen) < 100


def test_close_fails_what_is_running_and_what_comes_later(tiny: Path) -> None:
    engine = TransformersEngine(tiny, EngineOptions(device="cpu", threads=1))
    results: queue.SimpleQueue[Delta | EngineError] = queue.SimpleQueue()
    engine.submit(greedy("endless", 1000), results.put)
    results.get()
    engine.close()
    *_, last = [results.get() for _ in range(results.qsize())]
    assert isinstance(last, EngineError)
    with pytest.raises(EngineError, match="closed"):
        engine.submit(greedy("late"), results.put)


def test_an_engine_that_breaks_tells_everyone_who_waits(tiny: Path) -> None:
    engine = TransformersEngine(tiny, EngineOptions(device="cpu", threads=1))
    results: queue.SimpleQueue[Delta | EngineError] = queue.SimpleQueue()

    def broken(delta: Delta | EngineError) -> None:
        if isinstance(delta, Delta):
            raise OSError("the disk of the receiver is full")

    engine.submit(greedy("waits", 900), results.put)
    engine.submit(greedy("breaks"), broken)
    last: Delta | EngineError = results.get(timeout=60)
    while isinstance(last, Delta):
        last = results.get(timeout=60)
    assert "must be restarted" in str(last)
    with pytest.raises(EngineError, match="must be restarted"):
        engine.check()


def test_a_folder_without_weights_is_an_engine_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(EngineError, match="cannot load the model"):
        TransformersEngine(tmp_path)


def test_threads_that_wait_leave_the_cores_to_others() -> None:
    """Set before PyTorch is imported, by whatever is imported first of the project; what a user set stays."""
    show = "import os, ray_app; print(os.environ['OMP_WAIT_POLICY'])"
    for given, expected in ((None, "passive"), ("active", "active")):
        environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
        environment |= {} if given is None else {"OMP_WAIT_POLICY": given}
        done = subprocess.run([sys.executable, "-c", show], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected
