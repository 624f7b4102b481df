"""Choosing the next token for every row of a batch, each with its own settings and random stream."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch

_NUCLEUS = 256  # candidates looked at before falling back to a sort of the whole vocabulary


@dataclass(frozen=True, slots=True)
class Sampler:
    """How one sequence picks tokens; `temperature` 0 is greedy."""

    temperature: float
    top_p: float
    random: random.Random

    @staticmethod
    def seeded(temperature: float, top_p: float, seed: int, choice: int) -> "Sampler":
        """A sampler whose random stream depends only on the seed and the choice's index."""
        return Sampler(temperature, top_p, random.Random(f"{seed}:{choice}"))


def sample(logits: torch.Tensor, samplers: Sequence[Sampler]) -> list[int]:
    """One token id per row of `logits` (B, V)."""
    chosen: list[int] = logits.argmax(dim=-1).tolist()
    rows = [row for row, sampler in enumerate(samplers) if sampler.temperature > 0]
    if not rows:
        return chosen
    temperatures = torch.tensor([[samplers[row].temperature] for row in rows], device=logits.device)
    scaled = torch.softmax(logits[rows].float() / temperatures.clamp_min(1e-4), dim=-1)
    for row, probabilities in zip(rows, scaled, strict=True):
        chosen[row] = _draw(probabilities, samplers[row])
    return chosen


def _draw(probabilities: torch.Tensor, sampler: Sampler) -> int:
    """Inverse-CDF draw from the smallest set of most likely tokens that holds `top_p` of the mass."""
    uniform = sampler.random.random()
    if sampler.top_p >= 1.0:
        return _inverse(probabilities.cumsum(0), uniform)
    values, ids = probabilities.topk(min(_NUCLEUS, probabilities.numel()))
    if float(values.sum()) < sampler.top_p:
        values, ids = probabilities.sort(descending=True)
    cumulative = values.cumsum(0)
    kept = int((cumulative < sampler.top_p).sum()) + 1
    return int(ids[_inverse(cumulative[:kept], uniform)])


def _inverse(cumulative: torch.Tensor, uniform: float) -> int:
    index = int(torch.searchsorted(cumulative, uniform * cumulative[-1], right=True))
    return min(index, cumulative.numel() - 1)


def logprobs(logits: torch.Tensor, tokens: torch.Tensor, top: int) -> list[tuple[float, list[tuple[int, float]]]]:
    """For each row of `logits` (T, V): its token's log-probability and the `top` likeliest (id, log-probability)."""
    scores = torch.log_softmax(logits.float(), dim=-1)
    own = scores.gather(1, tokens[:, None])[:, 0].tolist()
    if top == 0:
        return [(value, []) for value in own]
    values, ids = scores.topk(top, dim=-1)
    return [
        (value, list(zip(row_ids, row_values, strict=True)))
        for value, row_ids, row_values in zip(own, ids.tolist(), values.tolist(), strict=True)
    ]
