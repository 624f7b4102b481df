"""Narration as a stage's worker."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ray_app.monologue.narrate import narrate
from ray_app.records import Monologue, Reject, TracedProgram


@dataclass(frozen=True, slots=True)
class NarrateConfig:
    """`seed` chooses among phrasings; a monologue has at most about `max_tokens`."""

    seed: int
    max_tokens: int


def tell(rows: Iterable[TracedProgram], config: NarrateConfig) -> Iterator[Monologue | Reject]:
    """One verified forward and one verified backward monologue per fit execution; the others as rejects."""
    return narrate(rows, seed=config.seed, max_tokens=config.max_tokens)
