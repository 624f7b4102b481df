"""What is asked of an engine and what it gives back: the types between HTTP and model, free of both."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from ray_app.errors import EngineError

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat; `role` is "system", "user" or "assistant"."""

    role: str
    content: str


Prompt = str | tuple[int, ...] | tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Generation:
    """A request for `n` continuations of one prompt: text, token ids, or a chat that the model's template renders.

    `temperature` 0 is greedy. Choice i is sampled with a random stream that depends only on `seed` and i, so a
    request repeats itself up to the rounding of the arithmetic (which may differ with the size of the batch).
    Generation ends at the end-of-text token (unless `ignore_eos`), before the first of the `stop` strings, after
    `max_tokens` (None: as many as fit the context), or when the context is full.
    `logprobs` asks for the log-probability of each token and of that many alternatives. `echo` puts the prompt in
    front of the text, with its log-probabilities if asked for.
    """

    prompt: Prompt
    max_tokens: int | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    n: int = 1
    logprobs: int | None = None
    echo: bool = False
    ignore_eos: bool = False
    json_schema: str | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A token with its log-probability under the unscaled model (None for the first token of an echoed prompt)."""

    text: str
    logprob: float | None
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of one choice. `finish` is set on its last piece.

    Token counts are totals of this choice so far. `tokens` is empty unless log-probabilities were asked for; the text
    of tokens and `text` may lag behind each other while a character or a possible stop string is incomplete.
    """

    choice: int
    text: str
    tokens: tuple[Token, ...]
    finish: Finish | None
    prompt_tokens: int
    completion_tokens: int


def merge(first: Delta, second: Delta) -> Delta:
    """Two consecutive deltas of the same choice as one."""
    return Delta(
        second.choice,
        first.text + second.text,
        first.tokens + second.tokens,
        second.finish,
        second.prompt_tokens,
        second.completion_tokens,
    )


Sink = Callable[[Delta | EngineError], object]


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What one engine may use.

    `max_batch` sequences decode together; `prefill_tokens` prompt tokens run between two decoding steps; `kv_bytes`
    bounds the key-value cache, and with it the context; `threads` are torch's (None: leave them). `device` "auto" is
    a GPU if there is one. On a CPU weights are float32 (bfloat16 is far slower there), on a GPU as stored.
    """

    device: str = "auto"
    max_batch: int = 32
    max_context: int = 4096
    prefill_tokens: int = 256
    kv_bytes: int = 1 << 30
    threads: int | None = None


class Engine(Protocol):
    """Runs one model. All methods may be called from any thread."""

    @property
    def context(self) -> int:
        """The most tokens that prompt and continuation together may have."""
        ...

    def submit(self, generation: Generation, sink: Sink) -> Callable[[], None]:
        """Start a generation and return at once; the result is a function that cancels it.

        `sink` is called from another thread with the deltas of all choices, or with one error, then never again;
        after cancellation only with what was already under way. Raises InputError, before anything runs, for a
        generation that cannot be run: an empty or too long prompt, a feature that this engine lacks.
        """
        ...

    def check(self) -> None:
        """Raise EngineError if the engine can no longer generate."""
        ...

    def close(self) -> None:
        """Fail what is still running and free the model."""
        ...
