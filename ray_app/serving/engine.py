"""Runs a causal language model with transformers, on a CPU or one GPU, with continuous batching.

One thread owns the model. Each turn it admits waiting sequences, runs a piece of at most one prompt, then one decoding
step for all sequences that are past their prompt: a new request waits for one step, not for the batch to end, and a
long prompt delays the others by one piece at a time. A prompt that begins like a sequence still in memory (few-shot
examples, the other choices of `n`) copies those keys and values instead of computing them.

Not covered: models with sliding-window or recurrent layers, images, tool calls, guided decoding, several GPUs. vLLM
does these; see `app.py`.
"""

import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ray_app.errors import EngineError, InputError
from ray_app.serving.generation import Delta, EngineOptions, Finish, Generation, Message, Sink, Token, merge
from ray_app.serving.sampling import Sampler, logprobs, sample
from ray_app.serving.slots import SlotCache
from ray_app.serving.text import TextStream


@dataclass(slots=True, eq=False)
class _Sequence:
    """One choice of one request, on its way through the engine."""

    generation: Generation
    choice: int
    ids: list[int]
    prompt: int
    limit: int
    sampler: Sampler
    text: TextStream
    sink: Sink
    request: int
    cached: int = 0
    started: bool = False
    finish: Finish | None = None
    tokens: list[Token] = field(default_factory=list)


class TransformersEngine:
    """The engine for machines without vLLM. See `Engine` for the promises of its methods."""

    def __init__(self, model: str | Path, options: EngineOptions = EngineOptions()) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

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
        self._options = options
        layers = _plain_layers(self._model.config, str(model))
        token_bytes = layers * 2 * _kv_width(self._model.config) * self._model.dtype.itemsize
        self._context = min(
            options.max_context, self._model.config.max_position_embeddings, options.kv_bytes // token_bytes
        )
        self._eos = _end_tokens(self._model, self._tokenizer)
        self._slots = SlotCache(layers, options.max_batch, options.kv_bytes // token_bytes)
        self._rows: list[_Sequence] = []  # row i of the cache; the last one may still be reading its prompt
        self._row_ids: list[list[int]] = []  # tokens whose keys and values each row holds, also after it was left
        self._waiting: deque[_Sequence] = deque()
        self._inbox: queue.SimpleQueue[list[_Sequence] | None] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
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
        self._inbox.put(
            [self._sequence(generation, choice, ids, limit, sink, request) for choice in range(generation.n)]
        )
        return lambda: self._cancelled.add(request)

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

    def _sequence(
        self, generation: Generation, choice: int, ids: list[int], limit: int, sink: Sink, request: int
    ) -> _Sequence:
        sampler = Sampler.seeded(generation.temperature, generation.top_p, generation.seed, choice)
        text = TextStream(self._decode_ids, generation.stop)
        return _Sequence(generation, choice, list(ids), len(ids), limit, sampler, text, sink, request)

    def _encode(self, generation: Generation) -> list[int]:
        prompt = generation.prompt
        if isinstance(prompt, str):
            ids = list(self._tokenizer(prompt)["input_ids"])
        elif prompt and isinstance(prompt[0], Message):
            ids = self._render(prompt)
        else:
            ids = [int(token) for token in prompt if isinstance(token, int)]
            if any(not 0 <= token < self._model.config.vocab_size for token in ids):
                raise InputError(f"prompt holds a token id outside 0..{self._model.config.vocab_size - 1}")
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

    # Everything below runs on the engine's thread.

    def _run(self) -> None:
        try:
            with torch.inference_mode():
                while self._receive():
                    self._turn()
        except Exception as error:  # the thread's boundary: whatever broke, nobody may wait for ever
            failure = EngineError(f"the engine failed and must be restarted: {type(error).__name__}: {error}")
            failure.__cause__ = error
            self._failure = failure
        self._abandon(self._failure or EngineError("the engine was closed"))

    def _abandon(self, error: EngineError) -> None:
        """Give every request that is not finished the error, once."""
        while not self._inbox.empty():
            self._waiting.extend(self._inbox.get() or [])
        told = set(self._cancelled)
        for sequence in [*self._rows, *self._waiting]:
            if sequence.request not in told:
                told.add(sequence.request)
                sequence.sink(error)

    def _receive(self) -> bool:
        """Take in new requests, waiting for one if there is nothing to do; False when the engine is to stop."""
        while not self._closing:
            idle = not self._rows and not self._waiting
            if not idle and self._inbox.empty():
                return True
            self._waiting.extend(self._inbox.get() or [])
        return False

    def _turn(self) -> None:
        self._drop_cancelled()
        self._admit()
        if self._rows and not self._rows[-1].started:
            self._read_prompt(self._rows[-1], len(self._rows) - 1)
        ready = [sequence for sequence in self._rows if sequence.started]
        if ready:
            self._step(ready)

    def _drop_cancelled(self) -> None:
        if not self._cancelled:
            return
        gone, self._cancelled = self._cancelled, set()
        self._waiting = deque(sequence for sequence in self._waiting if sequence.request not in gone)
        for sequence in [sequence for sequence in self._rows if sequence.request in gone]:
            self._leave(sequence)

    def _admit(self) -> None:
        """Give the next waiting sequence a row, if one is free and its cache fits; at most one reads its prompt."""
        if not self._waiting or (self._rows and not self._rows[-1].started):
            return
        sequence = self._waiting[0]
        rows = len(self._rows) + 1
        columns = max(other.prompt + other.limit for other in [sequence, *self._rows])
        if not self._slots.fits(rows, columns):
            return
        self._waiting.popleft()
        self._rows.append(sequence)
        kept_rows, kept_columns = self._slots.reserve(rows, columns)
        self._row_ids = [ids[:kept_columns] for ids in self._row_ids[:kept_rows]]
        self._reuse_prefix(sequence, rows - 1)

    def _reuse_prefix(self, sequence: _Sequence, row: int) -> None:
        """Copy the longest common beginning from any row; the last token is always run, for its logits."""
        if len(self._row_ids) <= row:
            self._row_ids.append([])
        if sequence.generation.echo and sequence.generation.logprobs is not None:
            shared, source = 0, row  # every position's logits are needed
        else:
            shared, source = max((_common(ids, sequence.ids), index) for index, ids in enumerate(self._row_ids))
        sequence.cached = min(shared, len(sequence.ids) - 1)
        self._slots.copy(source, row, sequence.cached)
        self._row_ids[row] = sequence.ids[: sequence.cached]

    def _read_prompt(self, sequence: _Sequence, row: int) -> None:
        """Run the next piece of a prompt; after the last piece, choose the first token."""
        piece = sequence.ids[sequence.cached : sequence.cached + self._options.prefill_tokens]
        start = sequence.cached
        mask = self._slots.plan_prompt(row, start, len(piece), self._device)
        scored = sequence.generation.echo and sequence.generation.logprobs is not None
        logits = self._forward([piece], [list(range(start, start + len(piece)))], mask, 0 if scored else 1)[0]
        sequence.cached += len(piece)
        self._row_ids[row].extend(piece)
        if scored:
            self._score_prompt(sequence, start, logits)
        if sequence.cached == sequence.prompt:
            sequence.started = True
            if sequence.generation.echo:
                self._echo(sequence)
            self._advance([sequence], logits[-1:])

    def _step(self, ready: list[_Sequence]) -> None:
        """One token for every sequence past its prompt; they are exactly the first rows of the cache."""
        starts = [sequence.cached for sequence in ready]
        mask = self._slots.plan_step(starts, self._device)
        logits = self._forward([[s.ids[-1]] for s in ready], [[start] for start in starts], mask, 1)[:, -1]
        for row, sequence in enumerate(ready):
            sequence.cached += 1
            self._row_ids[row].append(sequence.ids[-1])
        self._advance(ready, logits)

    def _forward(self, ids: list[list[int]], positions: list[list[int]], mask: torch.Tensor, keep: int) -> torch.Tensor:
        return self._model(
            input_ids=torch.tensor(ids, device=self._device),
            position_ids=torch.tensor(positions, device=self._device),
            attention_mask=mask,
            past_key_values=self._slots.model_cache,
            use_cache=True,
            logits_to_keep=keep,
        ).logits

    def _score_prompt(self, sequence: _Sequence, start: int, logits: torch.Tensor) -> None:
        """Log-probabilities of an echoed prompt's tokens: those that this piece's logits predict."""
        top = sequence.generation.logprobs or 0
        if start == 0:
            sequence.tokens.append(Token(self._decode_ids(sequence.ids[:1]), None, ()))
        targets = sequence.ids[start + 1 : start + 1 + len(logits)]
        if targets:
            scores = logprobs(logits[: len(targets)], torch.tensor(targets, device=logits.device), top)
            sequence.tokens += [self._token(i, score) for i, score in zip(targets, scores, strict=True)]

    def _echo(self, sequence: _Sequence) -> None:
        self._emit(sequence, self._decode_ids(sequence.ids))

    def _advance(self, sequences: list[_Sequence], logits: torch.Tensor) -> None:
        """Choose a token for each sequence from its row of logits, hand out text, and let the finished ones go."""
        running = [(row, s) for row, s in enumerate(sequences) if s.limit > 0]
        tokens = sample(logits, [sequence.sampler for sequence in sequences])
        self._record_logprobs(running, tokens, logits)
        for row, sequence in enumerate(sequences):
            if sequence.limit == 0:
                sequence.finish = "length"
                self._emit(sequence, "")
            else:
                self._append(sequence, tokens[row])
            if sequence.finish is not None:
                self._leave(sequence)

    def _record_logprobs(self, running: list[tuple[int, _Sequence]], tokens: list[int], logits: torch.Tensor) -> None:
        for row, sequence in running:
            top = sequence.generation.logprobs
            if top is not None:
                chosen = torch.tensor([tokens[row]], device=logits.device)
                sequence.tokens.append(self._token(tokens[row], logprobs(logits[row : row + 1], chosen, top)[0]))

    def _token(self, token: int, score: tuple[float, list[tuple[int, float]]]) -> Token:
        top = tuple((self._tokenizer.decode([other]), value) for other, value in score[1])
        return Token(self._tokenizer.decode([token]), score[0], top)

    def _append(self, sequence: _Sequence, token: int) -> None:
        sequence.ids.append(token)
        ended = token in self._eos and not sequence.generation.ignore_eos
        text = "" if ended else sequence.text.push(token)
        full = len(sequence.ids) - sequence.prompt >= sequence.limit
        if (ended or full) and not sequence.text.stopped:
            text += sequence.text.finish()
        if ended or sequence.text.stopped:
            sequence.finish = "stop"
        elif full:
            sequence.finish = "length"
        self._emit(sequence, text)

    def _emit(self, sequence: _Sequence, text: str) -> None:
        if not text and not sequence.tokens and sequence.finish is None:
            return
        tokens, sequence.tokens = tuple(sequence.tokens), []
        completed = len(sequence.ids) - sequence.prompt
        if sequence.request not in self._cancelled:
            sequence.sink(Delta(sequence.choice, text, tokens, sequence.finish, sequence.prompt, completed))

    def _leave(self, sequence: _Sequence) -> None:
        """Free a row. The decoding rows stay the first ones, and a sequence reading its prompt stays the last."""
        row = self._rows.index(sequence)
        last = len(self._rows) - 1
        decoding = last if self._rows[last].started or last == row else last - 1
        self._move(decoding, row)
        self._move(last, decoding)
        self._rows.pop()

    def _move(self, source: int, target: int) -> None:
        if source != target:
            self._slots.copy(source, target, self._rows[source].cached)
            self._rows[target] = self._rows[source]
            self._row_ids[target] = list(self._row_ids[source])


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return index
    return min(len(left), len(right))


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
