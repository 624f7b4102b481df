"""Runs a causal language model with transformers, on a CPU or one GPU, with continuous batching (see `batch`).

One thread owns the model. Not covered: models with sliding-window or recurrent layers, images, tool calls, guided
decoding, several GPUs. vLLM does these; see `vllm`.
"""

import itertools
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from ray_app.errors import EngineError, InputError
from ray_app.serving.batch import Batch, Choice
from ray_app.serving.generation import Delta, EngineOptions, Generation, Message, Sink, merge
from ray_app.serving.sampling import Sampler
from ray_app.serving.slots import SlotCache
from ray_app.serving.text import TextStream


class TransformersEngine:
    """The engine for machines without vLLM. See `Engine` for the promises of its methods."""

    def __init__(self, model: str | Path, options: EngineOptions | None = None) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        options = options or EngineOptions()
        logging.disable_progress_bar()
        if options.threads is not None:
            torch.set_num_threads(options.threads)
        self._device = torch.device(
            options.device if options.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        )
        dtype = torch.float32 if self._device.type == "cpu" else "auto"
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(model)
            loaded: Any = AutoModelForCausalLM.from_pretrained(model, dtype=dtype, attn_implementation="sdpa")
        except (OSError, ValueError, KeyError) as error:
            reason = (str(error).splitlines() or [""])[0]
            raise EngineError(f"cannot load the model in {model}: {reason}; give a causal LM's directory") from error
        self._model: Any = loaded.to(self._device).eval()
        layers = _plain_layers(self._model.config, str(model))
        token_bytes = layers * 2 * _kv_width(self._model.config) * self._model.dtype.itemsize
        self._context = min(
            options.max_context, self._model.config.max_position_embeddings, options.kv_bytes // token_bytes
        )
        self._batch = Batch(
            self._model,
            self._decode_ids,
            lambda token: self._tokenizer.decode([token]),
            _end_tokens(self._model, self._tokenizer),
            SlotCache(layers, options.max_batch, options.kv_bytes // token_bytes),
            options,
        )
        self._inbox: queue.SimpleQueue[list[Choice] | int | None] = queue.SimpleQueue()  # new, cancelled, stop
        self._serial = itertools.count()
        self._failure: EngineError | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def context(self) -> int:
        """The most tokens that prompt and continuation together may have."""
        return self._context

    def submit(self, generation: Generation, sink: Sink) -> Callable[[], None]:
        """Start a generation; see `Engine.submit`."""
        self.check()
        if generation.json_schema is not None:
            raise InputError("JSON-schema guided output needs the vLLM engine; this model runs on transformers")
        ids = self._encode(generation)
        limit = self._context - len(ids)
        if limit < (1 if generation.max_tokens is None else generation.max_tokens):
            raise InputError(
                f"prompt of {len(ids)} tokens plus max_tokens {generation.max_tokens or 1} exceeds the context of "
                f"{self._context} tokens: shorten one of them"
            )
        request = next(self._serial)
        limit = limit if generation.max_tokens is None else generation.max_tokens
        self._inbox.put([self._choice(generation, index, request, ids, limit, sink) for index in range(generation.n)])
        return lambda: self._inbox.put(request)

    def check(self) -> None:
        """Raise EngineError if the engine has failed or is closed."""
        if self._failure is not None:
            raise self._failure
        if self._closing:
            raise EngineError("the engine is closed")

    def close(self) -> None:
        """Fail what is still running, stop the thread and free the model."""
        self._closing = True
        self._inbox.put(None)
        self._thread.join()
        self._model = None

    def generate(self, generations: Iterable[Generation]) -> Iterator[list[Delta]]:
        """Run many generations at once without a server: for each, in order, one finished delta per choice."""
        results: list[queue.SimpleQueue[Delta | EngineError]] = []
        jobs = list(generations)
        for generation in jobs:
            results.append(queue.SimpleQueue())
            self.submit(generation, results[-1].put)
        for generation, result in zip(jobs, results, strict=True):
            yield _collect(generation.n, result)

    def _choice(
        self, generation: Generation, index: int, request: int, ids: list[int], limit: int, sink: Sink
    ) -> Choice:
        sampler = Sampler.seeded(generation.temperature, generation.top_p, generation.seed, index)
        text = TextStream(self._decode_ids, generation.stop)
        return Choice(generation, index, request, list(ids), len(ids), limit, sampler, text, sink)

    def _encode(self, generation: Generation) -> list[int]:
        prompt = generation.prompt
        if isinstance(prompt, str):
            ids = list(self._tokenizer(prompt)["input_ids"])
        elif prompt and isinstance(prompt[0], Message):
            ids = self._render(prompt)
        else:
            ids = [token for token in prompt if isinstance(token, int)]
        if any(not 0 <= token < self._model.config.vocab_size for token in ids):
            raise InputError(f"the prompt holds a token id outside 0..{self._model.config.vocab_size - 1}")
        if not ids:
            raise InputError("the prompt is empty: give at least one token")
        return ids

    def _render(self, prompt: Sequence[Any]) -> list[int]:
        from jinja2 import TemplateError

        chat = [{"role": message.role, "content": message.content} for message in prompt]
        if self._tokenizer.chat_template is None:
            raise InputError("this model has no chat template: use /v1/completions")
        try:
            text = self._tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        except TemplateError as error:
            raise InputError(f"the model's chat template refuses these messages: {error}") from error
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _decode_ids(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=True)

    def _run(self) -> None:
        """The engine's thread."""
        try:
            with torch.inference_mode():
                while self._receive():
                    self._batch.turn()
        except Exception as error:  # the thread's boundary: whatever broke, nobody may wait for ever
            failure = EngineError(f"the engine failed and must be restarted: {type(error).__name__}: {error}")
            failure.__cause__ = error
            self._failure = failure
        while not self._inbox.empty():
            self._take(self._inbox.get())
        self._batch.abandon(self._failure or EngineError("the engine was closed"))

    def _receive(self) -> bool:
        """Take in what arrived, waiting for something if there is nothing to do; False when the engine is to stop."""
        while not self._closing:
            if self._inbox.empty() and not self._batch.idle:
                return True
            self._take(self._inbox.get())
        return False

    def _take(self, item: list[Choice] | int | None) -> None:
        if isinstance(item, int):
            self._batch.cancel(item)
        elif item is not None:
            self._batch.add(item)


def _collect(choices: int, results: "queue.SimpleQueue[Delta | EngineError]") -> list[Delta]:
    """One delta per choice that holds everything the choice's deltas held."""
    whole: dict[int, Delta] = {}
    while sum(delta.finish is not None for delta in whole.values()) < choices:
        delta = results.get()
        if isinstance(delta, EngineError):
            raise delta
        before = whole.get(delta.choice)
        whole[delta.choice] = delta if before is None else merge(before, delta)
    return [whole[choice] for choice in range(choices)]


def _plain_layers(config: Any, name: str) -> int:
    """The number of layers, all with full attention; else EngineError."""
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"}:
        raise EngineError(f"the transformers engine cannot run {name}: layers of type {sorted(kinds)}; use vLLM")
    return config.num_hidden_layers


def _kv_width(config: Any) -> int:
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    return heads * (getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Every token that ends a text: the generation config may list several, the tokenizer names one."""
    configured = model.generation_config.eos_token_id
    listed = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in [*listed, tokenizer.eos_token_id] if token is not None)
