"""What a teacher has cost, and the limit on what it may cost. Tokens are counted as the endpoint reports them."""

import threading
from dataclasses import dataclass, field, replace

from ray_app.errors import TeacherError


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens; zero for an endpoint of one's own."""

    prompt_usd: float = 0.0
    completion_usd: float = 0.0

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        return (prompt_tokens * self.prompt_usd + completion_tokens * self.completion_usd) / 1_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts since a teacher was made. `requests` were sent and answered, `cached` cost nothing, `failed` gave up."""

    requests: int = 0
    cached: int = 0
    failed: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(slots=True)
class Ledger:
    """A thread-safe `Usage` with limits that are never exceeded, as far as `reserve` is told the worst case.

    `reserve` waits while requests in flight could still use up what is left, and raises TeacherError once nothing can
    free enough of it any more. Every `reserve` must be followed by one `settle`.
    """

    price: Price = Price()
    max_tokens: int | None = None
    max_usd: float | None = None
    usage: Usage = Usage()
    _held: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def reserve(self, prompt_tokens: int, completion_tokens: int) -> tuple[int, float]:
        """Hold the worst case of one request; the result is handed to `settle`."""
        claim = (prompt_tokens + completion_tokens, self.price.cost_usd(prompt_tokens, completion_tokens))
        with self._changed:
            while not self._fits(claim, self._held):
                if not self._held:
                    raise TeacherError(self._spent())
                self._changed.wait()
            self._held.append(claim)
        return claim

    def settle(self, claim: tuple[int, float], prompt_tokens: int, completion_tokens: int) -> None:
        """Replace a reservation by what the request really used (0, 0 where it failed)."""
        with self._changed:
            self._held.remove(claim)
            self.usage = replace(
                self.usage,
                prompt_tokens=self.usage.prompt_tokens + prompt_tokens,
                completion_tokens=self.usage.completion_tokens + completion_tokens,
                cost_usd=self.usage.cost_usd + self.price.cost_usd(prompt_tokens, completion_tokens),
            )
            self._changed.notify_all()

    def count(self, *, requests: int = 0, cached: int = 0, failed: int = 0, retries: int = 0) -> None:
        with self._changed:
            self.usage = replace(
                self.usage,
                requests=self.usage.requests + requests,
                cached=self.usage.cached + cached,
                failed=self.usage.failed + failed,
                retries=self.usage.retries + retries,
            )

    def _fits(self, claim: tuple[int, float], held: list[tuple[int, float]]) -> bool:
        tokens = self.usage.tokens + claim[0] + sum(h[0] for h in held)
        usd = self.usage.cost_usd + claim[1] + sum(h[1] for h in held)
        return (self.max_tokens is None or tokens <= self.max_tokens) and (self.max_usd is None or usd <= self.max_usd)

    def _spent(self) -> str:
        limits = [f"{self.max_tokens} tokens"] if self.max_tokens is not None else []
        limits += [f"{self.max_usd} USD"] if self.max_usd is not None else []
        return (
            f"teacher budget of {' / '.join(limits)} is spent ({self.usage.tokens} tokens, "
            f"{self.usage.cost_usd:.4f} USD so far); "
            "raise the budget and rerun (replies already paid for are cached)"
        )
