"""The batch that an engine decodes: sequences that join, read their prompt, take turns and leave.

Each turn admits waiting sequences, reads prompts up to a budget (short ones together, a long one in pieces), then runs
one decoding step for all sequences that are past their prompt. So a new request waits for one step, not for the batch
to end, and a long prompt delays the others by one piece at a time. A prompt that begins like a sequence still in memory
(few-shot examples, the other choices of `n`) copies those keys and values instead of computing them. When the cache is
full, the sequence that came last makes room and later computes its own tokens again; what it handed out stays valid.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ray_app.errors import EngineError
from ray_app.serving.generation import Delta, EngineOptions, Finish, Generation, Sink, Token
from ray_app.serving.sampling import Sampler, logprobs, sample
from ray_app.serving.slots import SlotCache
from ray_app.serving.text import TextStream

_WORTH_WAITING = 16  # tokens: with so many in common, the second prompt is read after the first and copies them
_HEADROOM = 64  # columns beyond a sequence's tokens that must be free when it is admitted


@dataclass(slots=True, eq=False)
class Choice:
    """One choice of one request, on its way through the engine.

    `ids` are prompt and continuation; `prompt` is the number of the former, `limit` the most of the latter. The first
    `cached` tokens have keys and values in the cache; `reading` until all tokens but the newest have.
    """

    generation: Generation
    index: int
    request: int
    ids: list[int]
    prompt: int
    limit: int
    sampler: Sampler
    text: TextStream
    sink: Sink
    cached: int = 0
    reading: bool = True
    finish: Finish | None = None
    tokens: list[Token] = field(default_factory=list)

    @property
    def completed(self) -> int:
        """Tokens generated so far."""
        return len(self.ids) - self.prompt

    @property
    def scores_prompt(self) -> bool:
        """Whether the log-probabilities of the prompt are still to be computed."""
        return self.generation.echo and self.generation.logprobs is not None and not self.completed


class Batch:
    """Used by one thread only. Row i of the cache belongs to `_rows[i]`; only the last row may still be reading."""

    def __init__(
        self,
        model: Any,
        decode: Callable[[Sequence[int]], str],
        decode_token: Callable[[int], str],
        ends: frozenset[int],
        slots: SlotCache,
        options: EngineOptions,
    ) -> None:
        self._model = model
        self._device: torch.device = model.device
        self._decode, self._decode_token, self._ends = decode, decode_token, ends
        self._slots, self._options = slots, options
        self._rows: list[Choice] = []
        self._row_ids: list[list[int]] = []  # tokens whose keys and values a row holds, also after it was left
        self._waiting: deque[Choice] = deque()

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._rows and not self._waiting

    def add(self, choices: Iterable[Choice]) -> None:
        """Queue choices behind those that wait."""
        self._waiting.extend(choices)

    def cancel(self, request: int) -> None:
        """Forget the choices of a request."""
        self._waiting = deque(choice for choice in self._waiting if choice.request != request)
        for choice in [choice for choice in self._rows if choice.request == request]:
            self._leave(choice)

    def abandon(self, error: EngineError) -> None:
        """Give every request that is not finished the error, once, and forget it."""
        sinks = {choice.request: choice.sink for choice in [*self._rows, *self._waiting]}
        self._rows, self._waiting = [], deque()
        for sink in sinks.values():
            sink(error)

    def turn(self) -> None:
        """Read prompts up to the budget, then decode one token for everyone who is ready."""
        budget = self._options.prefill_tokens
        while budget > 0:
            if self._reading():
                budget -= self._read(self._rows[-1], len(self._rows) - 1, budget)
            elif group := self._gather(budget):
                budget -= self._read_together(group)
            elif not self._reading():
                break
        self._make_room()
        ready = [choice for choice in self._rows if not choice.reading]
        if ready:
            self._step(ready)

    def _reading(self) -> bool:
        return bool(self._rows) and self._rows[-1].reading

    def _gather(self, budget: int) -> list[Choice]:
        """Admit choices whose prompts can be read together, whole, within the budget; one that cannot may follow them
        as the last row."""
        group: list[Choice] = []
        while not any(self._may_copy(choice) for choice in group) and self._admit():
            choice = self._rows[-1]
            width = max(len(other.ids) - other.cached for other in [*group, choice])
            if choice.scores_prompt or width * (len(group) + 1) > budget:
                break
            group.append(choice)
        return group

    def _may_copy(self, choice: Choice) -> bool:
        """Whether the next waiting choice should wait for this one's keys and values."""
        if not self._waiting:
            return False
        ids = self._waiting[0].ids
        return _common(choice.ids, ids) >= self._known(ids)[0] + _WORTH_WAITING

    def _known(self, ids: Sequence[int]) -> tuple[int, int]:
        """The longest beginning that a row holds, and the row."""
        return max((_common(held, ids), row) for row, held in enumerate(self._row_ids))

    def _admit(self) -> bool:
        """Give the next waiting choice a row, if one is free and the cache has room."""
        if not self._waiting:
            return False
        columns = max(len(other.ids) for other in [self._waiting[0], *self._rows]) + _HEADROOM
        if not self._slots.fits(len(self._rows) + 1, columns):
            return False
        choice = self._waiting.popleft()
        self._rows.append(choice)
        self._reserve(columns)
        self._reuse_prefix(choice, len(self._rows) - 1)
        return True

    def _reserve(self, columns: int) -> None:
        kept_rows, kept_columns = self._slots.reserve(len(self._rows), columns)
        self._row_ids = [ids[:kept_columns] for ids in self._row_ids[:kept_rows]]

    def _make_room(self) -> None:
        """See that every row can take its next token; if not, the last ones go back to the front of the queue."""
        if not self._rows:
            return
        columns = max(choice.cached for choice in self._rows) + 1
        while not self._slots.fits(len(self._rows), columns):
            choice = self._rows.pop()
            choice.cached, choice.reading = 0, True
            self._waiting.appendleft(choice)
        self._reserve(columns)

    def _reuse_prefix(self, choice: Choice, row: int) -> None:
        """Copy the longest common beginning from any row; the last token is always run, for its logits."""
        if len(self._row_ids) <= row:
            self._row_ids.append([])
        shared, source = 0, row
        if not choice.scores_prompt:  # which needs the logits of every position
            shared, source = self._known(choice.ids)
        choice.cached = min(shared, len(choice.ids) - 1)
        self._slots.copy(source, row, choice.cached)
        self._row_ids[row] = choice.ids[: choice.cached]

    def _read(self, choice: Choice, row: int, budget: int) -> int:
        """Run the next piece of a prompt; after the last piece, choose the next token. Returns the piece's length."""
        start = choice.cached
        piece = choice.ids[start : start + budget]
        mask = self._slots.plan_prompts(row, [start], len(piece), self._device)
        scores_prompt = choice.scores_prompt
        positions = list(range(start, start + len(piece)))
        logits = self._forward([piece], [positions], mask, 0 if scores_prompt else 1)[0]
        choice.cached += len(piece)
        self._row_ids[row].extend(piece)
        if scores_prompt:
            self._score_prompt(choice, start, logits)
        if choice.cached == len(choice.ids):
            self._finish_reading(choice)
            self._advance([choice], logits[-1:])
        return len(piece)

    def _read_together(self, group: list[Choice]) -> int:
        """Run the prompts of the rows from the group's first on, and choose their next tokens. Returns the tokens run.

        All pieces are as wide as the longest: the others begin earlier, with tokens that are known, or end in tokens
        that no one looks at and that their continuation overwrites.
        """
        first = self._rows.index(group[0])
        width = max(len(choice.ids) - choice.cached for choice in group)
        starts = [max(0, len(choice.ids) - width) for choice in group]
        pieces = [choice.ids[start:] for choice, start in zip(group, starts, strict=True)]
        mask = self._slots.plan_prompts(first, starts, width, self._device)
        ends = sorted({len(piece) - 1 for piece in pieces})
        logits = self._forward(
            [piece + piece[-1:] * (width - len(piece)) for piece in pieces],
            [list(range(start, start + width)) for start in starts],
            mask,
            torch.tensor(ends, device=self._device),
        )
        last = [ends.index(len(piece) - 1) for piece in pieces]
        for row, choice in enumerate(group, first):
            choice.cached = len(choice.ids)
            self._row_ids[row] = list(choice.ids)
            self._finish_reading(choice)
        self._advance(group, logits[torch.arange(len(group)), torch.tensor(last)])
        return width * len(group)

    def _finish_reading(self, choice: Choice) -> None:
        choice.reading = False
        if choice.generation.echo and not choice.completed:
            self._emit(choice, self._decode(choice.ids))

    def _step(self, ready: list[Choice]) -> None:
        """One token for every choice past its prompt; they are exactly the first rows of the cache."""
        starts = [choice.cached for choice in ready]
        mask = self._slots.plan_step(starts, self._device)
        logits = self._forward([[choice.ids[-1]] for choice in ready], [[start] for start in starts], mask, 1)[:, -1]
        for row, choice in enumerate(ready):
            choice.cached += 1
            self._row_ids[row].append(choice.ids[-1])
        self._advance(ready, logits)

    def _forward(
        self, ids: list[list[int]], positions: list[list[int]], mask: torch.Tensor, keep: int | torch.Tensor
    ) -> torch.Tensor:
        """Logits (B, T, V); `keep` 1 gives those of the last position only, 0 all, a tensor those that it lists."""
        return self._model(
            input_ids=torch.tensor(ids, device=self._device),
            position_ids=torch.tensor(positions, device=self._device),
            attention_mask=mask,
            past_key_values=self._slots.model_cache,
            use_cache=True,
            logits_to_keep=keep,
        ).logits

    def _score_prompt(self, choice: Choice, start: int, logits: torch.Tensor) -> None:
        """Log-probabilities of an echoed prompt's tokens: those that this piece's logits predict."""
        if start == 0:
            choice.tokens.append(Token(self._decode_token(choice.ids[0]), None, ()))
        targets = choice.ids[start + 1 : start + 1 + len(logits)]
        choice.tokens += self._scored(targets, logits[: len(targets)], choice.generation.logprobs or 0)

    def _scored(self, ids: list[int], logits: torch.Tensor, top: int) -> list[Token]:
        if not ids:
            return []
        return [
            Token(self._decode_token(token), value, tuple((self._decode_token(other), p) for other, p in others))
            for token, (value, others) in zip(
                ids, logprobs(logits, torch.tensor(ids, device=logits.device), top), strict=True
            )
        ]

    def _advance(self, choices: list[Choice], logits: torch.Tensor) -> None:
        """Choose a token for each choice from its row of logits, hand out text, and let the finished ones go."""
        tokens = sample(logits, [choice.sampler for choice in choices])
        for row, choice in enumerate(choices):
            if choice.limit == 0:
                choice.finish = "length"
                self._emit(choice, "")
            else:
                if choice.generation.logprobs is not None:
                    choice.tokens += self._scored([tokens[row]], logits[row : row + 1], choice.generation.logprobs)
                self._append(choice, tokens[row])
        for choice in choices:
            if choice.finish is not None:
                self._leave(choice)

    def _append(self, choice: Choice, token: int) -> None:
        choice.ids.append(token)
        ended = token in self._ends and not choice.generation.ignore_eos
        full = choice.completed >= choice.limit
        text = "" if ended else choice.text.push(token)
        if (ended or full) and not choice.text.stopped:
            text += choice.text.finish()
        if ended or choice.text.stopped:
            choice.finish = "stop"
        elif full:
            choice.finish = "length"
        self._emit(choice, text)

    def _emit(self, choice: Choice, text: str) -> None:
        if text or choice.tokens or choice.finish is not None:
            tokens, choice.tokens = tuple(choice.tokens), []
            choice.sink(Delta(choice.index, text, tokens, choice.finish, choice.prompt, choice.completed))

    def _leave(self, choice: Choice) -> None:
        """Free a row. The decoding rows stay the first ones, and a choice that is reading stays the last."""
        row = self._rows.index(choice)
        last = len(self._rows) - 1
        decoding = last - 1 if self._rows[last].reading and last != row else last
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
