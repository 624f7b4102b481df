"""A language model behind an OpenAI-compatible endpoint: the one client for teacher, student and evaluation.

`Teacher` is what the rest of the system sees; `OpenAITeacher` is the one that talks HTTP. A request that the endpoint
refuses or answers badly is a `Reply` with an `error`, never an exception; an endpoint that is dead, does not know the
model or the key, or a spent budget, is a `TeacherError`.
"""

import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypedDict

import httpx

from ray_app.errors import InputError, TeacherError
from ray_app.teacher.budget import Ledger, Price, Usage
from ray_app.teacher.cache import ReplyCache
from ray_app.teacher.flow import Flow, Pace


class Message(TypedDict):
    """One turn of a chat."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question: either chat `messages` or a raw `prompt` (text or token ids) to continue, never both.

    With `echo` a raw prompt is scored before it is continued: `Reply.echoed` says what the model thinks of its tokens.
    Equal requests have equal (cached) replies, also at temperature > 0: ask for further samples with `n` or `seed`.
    """

    messages: tuple[Message, ...] = ()
    prompt: str | tuple[int, ...] | None = None
    max_tokens: int = 1024
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    echo: bool = False

    def __post_init__(self) -> None:
        if bool(self.messages) == (self.prompt is not None):
            raise InputError("a Request needs either messages or a prompt, not both and not neither")
        if self.echo and (self.prompt is None or self.n != 1):
            raise InputError("only a raw prompt with one continuation can be echoed")

    @property
    def estimated_prompt_tokens(self) -> int:
        """About one token per three characters: more than tokenizers give for English or Python."""
        if isinstance(self.prompt, tuple):
            return len(self.prompt)
        text = self.prompt if self.prompt is not None else "".join(m["content"] for m in self.messages)
        return len(text) // 3 + 8 * (1 + len(self.messages))

    def body(self, model: str) -> dict[str, Any]:
        """The JSON that is posted; also what the cache key is made of."""
        body: dict[str, Any] = {"model": model, "max_tokens": self.max_tokens, "temperature": self.temperature}
        if self.prompt is not None:
            body["prompt"] = list(self.prompt) if isinstance(self.prompt, tuple) else self.prompt
        else:
            body["messages"] = [dict(message) for message in self.messages]
        if self.seed is not None:
            body["seed"] = self.seed
        if self.stop:
            body["stop"] = list(self.stop)
        if self.n != 1:
            body["n"] = self.n
        if self.echo:
            body |= {"echo": True, "logprobs": 1}
        return body


@dataclass(frozen=True, slots=True)
class Echoed:
    """A token of an echoed prompt: its log-probability after all that stands before, and the likeliest token there
    (of the first token, which nothing precedes, all is 0 and "")."""

    logprob: float = 0.0
    best: float = 0.0
    best_text: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """`n` texts, or none and an `error`. `finish_reasons` are the endpoint's ("stop", "length", ...); `echoed` are the
    prompt's tokens (and those of the continuation) where the request asked for an echo."""

    texts: tuple[str, ...]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached: bool = False
    error: str | None = None
    finish_reasons: tuple[str, ...] = ()
    echoed: tuple[Echoed, ...] = ()

    def stored(self) -> dict[str, Any]:
        """What is kept of a reply in a cache."""
        return {
            "texts": self.texts,
            "finish_reasons": self.finish_reasons,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "echoed": [[token.logprob, token.best, token.best_text] for token in self.echoed],
        }

    @classmethod
    def restored(cls, stored: dict[str, Any]) -> "Reply | None":
        """The reply that was stored; None where it is not one."""
        if not _is_texts(stored.get("texts")):
            return None
        return cls(
            texts=tuple(stored["texts"]),
            prompt_tokens=_count(stored.get("prompt_tokens")),
            completion_tokens=_count(stored.get("completion_tokens")),
            cached=True,
            finish_reasons=tuple(str(reason) for reason in stored.get("finish_reasons") or ()),
            echoed=tuple(Echoed(*token) for token in stored.get("echoed") or ()),
        )


class Teacher(Protocol):
    """Answers requests; `name` identifies the model in the origin of what it wrote."""

    @property
    def name(self) -> str: ...

    def complete(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """One reply per request, in order. Raises TeacherError only where no further request can succeed."""
        ...


class _Retry(Exception):
    """A failure worth another attempt. `after_s`: what the endpoint asked us to wait; `dead`: nobody answered;
    `busy`: it has too much to do."""

    def __init__(self, reason: str, after_s: float | None = None, *, dead: bool = False, busy: bool = False) -> None:
        super().__init__(reason)
        self.after_s = after_s
        self.dead = dead
        self.busy = busy


class _Refused(Exception):
    """A failure that concerns this request only; another attempt would fail alike."""


class OpenAITeacher:
    """Any endpoint that speaks the OpenAI protocol: `/chat/completions` for messages, `/completions` for prompts.

    At most `concurrency` requests are in flight, and not more than the endpoint can take (see `flow`), started at most
    `requests_per_minute` times a minute. Time-outs, 429 and 5xx are retried `attempts` times in all, waiting 1, 2, 4
    ... seconds with jitter, or what Retry-After says.
    With `cache_dir`, replies are kept on disk by content; the model is known there by its name only, so give each
    checkpoint that is served under the same name a directory of its own. Failed replies are not kept.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str = "",
        *,
        cache_dir: str | Path | None = None,
        concurrency: int = 8,
        requests_per_minute: float | None = None,
        timeout_s: float = 120.0,
        attempts: int = 5,
        max_tokens: int | None = None,
        max_usd: float | None = None,
        price: Price | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise InputError(
                f"teacher URL {base_url!r} must start with http:// or https://, e.g. http://localhost:8000/v1"
            )
        if concurrency < 1 or attempts < 1:
            raise InputError(f"teacher concurrency ({concurrency}) and attempts ({attempts}) must be at least 1")
        self.base_url = base_url.rstrip("/")
        self.model = model
        self.ledger = Ledger(price or Price(), max_tokens, max_usd)
        self._cache = ReplyCache(str(cache_dir)) if cache_dir is not None else None
        self._concurrency = concurrency
        self._attempts = attempts
        self._flow = Flow(concurrency, clock)
        self._pace = Pace(requests_per_minute, sleep, clock)
        self._sleep = sleep
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(timeout_s, connect=min(10.0, timeout_s)),
            limits=httpx.Limits(max_connections=concurrency),
            transport=transport,
        )
        self._failures_in_a_row = 0
        self._failures_lock = threading.Lock()

    @property
    def name(self) -> str:
        return self.model

    @property
    def usage(self) -> Usage:
        return self.ledger.usage

    def close(self) -> None:
        self._client.close()

    def estimate(self, requests: Iterable[Request]) -> Usage:
        """The most that these requests could cost, without sending any: what `--dry-run` shows."""
        price, total = self.ledger.price, Usage()
        for request in requests:
            if self._cached(request) is not None:
                total = replace(total, cached=total.cached + 1)
                continue
            asked, answered = request.estimated_prompt_tokens, request.max_tokens * request.n
            total = replace(
                total,
                requests=total.requests + 1,
                prompt_tokens=total.prompt_tokens + asked,
                completion_tokens=total.completion_tokens + answered,
                cost_usd=total.cost_usd + price.cost_usd(asked, answered),
            )
        return total

    def complete(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """See `Teacher.complete`; reads at most 4 x `concurrency` requests ahead of the reply it hands out."""
        pool = ThreadPoolExecutor(self._concurrency, thread_name_prefix="teacher")
        pending: deque[tuple[str, Future[Reply]]] = deque()
        in_flight: dict[str, Future[Reply]] = {}

        def first() -> Reply:
            key, future = pending.popleft()
            reply = future.result()
            if in_flight.get(key) is future and all(key != other for other, _ in pending):
                del in_flight[key]
            return reply

        try:
            for request in requests:
                key = ReplyCache.key(request.body(self.model))
                if key not in in_flight:
                    in_flight[key] = pool.submit(self._answer, request)
                pending.append((key, in_flight[key]))
                while pending and (len(pending) >= 4 * self._concurrency or pending[0][1].done()):
                    yield first()
            while pending:
                yield first()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _cached(self, request: Request) -> Reply | None:
        stored = self._cache.get(ReplyCache.key(request.body(self.model))) if self._cache is not None else None
        return None if stored is None else Reply.restored(stored)

    def _answer(self, request: Request) -> Reply:
        if (stored := self._cached(request)) is not None:
            self.ledger.count(cached=1)
            return stored
        try:
            reply = self._ask_for_all(request)
        except _Refused as refusal:
            self.ledger.count(failed=1)
            return Reply((), error=str(refusal))
        if self._cache is not None:
            self._cache.put(ReplyCache.key(request.body(self.model)), reply.stored())
        return reply

    def _ask_for_all(self, request: Request) -> Reply:
        """Repeats the request while the endpoint returns fewer than `n` texts, as servers without `n` do."""
        whole = self._ask_with_retries(request)
        while len(whole.texts) < request.n:
            got = len(whole.texts)
            seed = None if request.seed is None else request.seed + got
            more = self._ask_with_retries(replace(request, n=request.n - got, seed=seed))
            whole = Reply(
                texts=whole.texts + more.texts,
                prompt_tokens=whole.prompt_tokens + more.prompt_tokens,
                completion_tokens=whole.completion_tokens + more.completion_tokens,
                finish_reasons=whole.finish_reasons + more.finish_reasons,
            )
        return replace(whole, texts=whole.texts[: request.n], finish_reasons=whole.finish_reasons[: request.n])

    def _ask_with_retries(self, request: Request) -> Reply:
        for attempt in range(1, self._attempts + 1):
            try:
                reply = self._ask_once(request)
            except _Retry as failure:
                if attempt == self._attempts:
                    self._give_up(failure)
                self.ledger.count(retries=1)
                backoff = min(60.0, 2.0 ** (attempt - 1)) * random.uniform(0.75, 1.25)
                self._sleep(backoff if failure.after_s is None else min(failure.after_s, 120.0))
            else:
                self._failures_in_a_row = 0
                return reply
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _give_up(self, failure: _Retry) -> None:
        """Ends a request whose attempts are used up; ends the whole run where nothing else succeeds either."""
        if failure.dead:
            raise TeacherError(
                f"no answer from {self.base_url}: {failure}; start the endpoint or correct the teacher's base URL"
            ) from failure
        with self._failures_lock:
            self._failures_in_a_row += 1
        if self._failures_in_a_row >= max(8, 2 * self._concurrency):
            raise TeacherError(
                f"{self.base_url} failed {self._failures_in_a_row} requests in a row: {failure}; "
                "check its log, lower the concurrency or raise the time-out, then rerun"
            ) from failure
        raise _Refused(f"gave up after {self._attempts} attempts: {failure}") from failure

    def _ask_once(self, request: Request) -> Reply:
        claim = self.ledger.reserve(request.estimated_prompt_tokens, request.max_tokens * request.n)
        used = (0, 0)
        try:
            with self._flow.place():
                self._pace.wait()
                reply = self._parse(self._post(request))
            self._flow.answered(reply.completion_tokens)
            used = (reply.prompt_tokens, reply.completion_tokens)
            self.ledger.count(requests=1)
        except _Retry as failure:
            if failure.busy:
                self._flow.refused()
            raise
        finally:
            self.ledger.settle(claim, *used)
        return reply

    def _post(self, request: Request) -> httpx.Response:
        path = "/completions" if request.prompt is not None else "/chat/completions"
        try:
            response = self._client.post(self.base_url + path, json=request.body(self.model))
        except httpx.ConnectError as error:
            raise _Retry(str(error), dead=True) from error
        except httpx.ConnectTimeout as error:
            raise _Retry("connection timed out", dead=True) from error
        except httpx.TransportError as error:
            slow = isinstance(error, httpx.TimeoutException)
            raise _Retry(f"{type(error).__name__}: {error}", busy=slow) from error
        status = response.status_code
        if status < 400:
            return response
        reason = f"HTTP {status}: {_error_text(response)}"
        if status in (401, 403):
            raise TeacherError(f"{self.base_url} refuses the key ({reason}); set the teacher's API key")
        if status == 404:
            raise TeacherError(
                f"{self.base_url}{path} does not exist or does not serve {self.model!r} ({reason}); "
                "check the base URL (it usually ends in /v1) and the model name"
            )
        if status in (408, 409, 425, 429) or status >= 500:
            raise _Retry(reason, _retry_after_s(response), busy=status in (429, 503))
        raise _Refused(reason)

    def _parse(self, response: httpx.Response) -> Reply:
        try:
            body = response.json()
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise _Retry(f"reply is not JSON: {response.text[:80]!r}") from error
        choices = body.get("choices") if isinstance(body, dict) else None
        if not isinstance(choices, list) or not choices:
            raise _Retry(f"reply has no choices: {response.text[:80]!r}")
        pairs = [_choice(choice) for choice in choices]
        usage = body.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        return Reply(
            texts=tuple(text for text, _ in pairs),
            prompt_tokens=_count(usage.get("prompt_tokens")),
            completion_tokens=_count(usage.get("completion_tokens")),
            finish_reasons=tuple(reason for _, reason in pairs),
            echoed=_echoed(choices[0].get("logprobs")) if isinstance(choices[0], dict) else (),
        )


def _choice(choice: Any) -> tuple[str, str]:
    """Text and finish reason of one choice of either endpoint; a missing text is an empty one."""
    if not isinstance(choice, dict):
        return "", "malformed"
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else choice.get("text")
    return (text if isinstance(text, str) else ""), str(choice.get("finish_reason") or "")


def _echoed(logprobs: Any) -> tuple[Echoed, ...]:
    """The tokens of a completion's `logprobs`; none where the endpoint gave none, or in a form that is not OpenAI's."""
    if not isinstance(logprobs, dict):
        return ()
    own, tops = logprobs.get("token_logprobs"), logprobs.get("top_logprobs")
    if not (isinstance(own, list) and isinstance(tops, list) and len(own) == len(tops)):
        return ()
    return tuple(_echoed_token(value, top) for value, top in zip(own, tops, strict=True))


def _echoed_token(value: Any, top: Any) -> Echoed:
    """Endpoints add the token itself to its alternatives where it is not among them: the best is the largest."""
    if not (isinstance(value, int | float) and isinstance(top, dict) and top):
        return Echoed()
    text = max(top, key=top.__getitem__)
    return Echoed(float(value), float(top[text]), str(text))


def _error_text(response: httpx.Response) -> str:
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return response.text[:200].strip()
    error = body.get("error", body) if isinstance(body, dict) else body
    message = error.get("message", error) if isinstance(error, dict) else error
    return str(message)[:200]


def _retry_after_s(response: httpx.Response) -> float | None:
    try:
        return max(0.0, float(response.headers["retry-after"]))
    except (KeyError, ValueError):
        return None


def _is_texts(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(v, str) for v in value)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
