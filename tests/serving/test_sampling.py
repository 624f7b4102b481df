"""Sampling follows the distribution it is given, and nothing else."""

import random
from collections import Counter

import torch

from ray_app.serving.sampling import Sampler, logprobs, sample


def sampler(temperature: float = 1.0, top_p: float = 1.0, seed: int = 0) -> Sampler:
    return Sampler(temperature, top_p, random.Random(seed))


def test_sample_at_temperature_zero_takes_the_likeliest_token() -> None:
    logits = torch.tensor([[0.0, 3.0, 1.0], [5.0, 3.0, 1.0]])
    assert sample(logits, [sampler(0.0), sampler(0.0)]) == [1, 0]


def test_sample_frequencies_follow_the_tempered_softmax() -> None:
    logits = torch.tensor([1.0, 2.0, 3.0, 0.0])
    draws = 4000
    picked = Counter(sample(logits.repeat(draws, 1), [s := sampler(0.7)] * draws))
    expected = torch.softmax(logits / 0.7, dim=-1)
    assert s.temperature == 0.7
    for token, probability in enumerate(expected.tolist()):
        assert abs(picked[token] / draws - probability) < 0.03


def test_sample_with_top_p_never_leaves_the_nucleus_and_reaches_all_of_it() -> None:
    logits = torch.log(torch.tensor([0.1, 0.4, 0.3, 0.2]))
    picked = set(sample(logits.repeat(500, 1), [sampler(top_p=0.65)] * 500))
    assert picked == {1, 2}


def test_sample_with_a_flat_distribution_looks_beyond_the_shortcut() -> None:
    picked = set(sample(torch.zeros(3000, 2000), [sampler(top_p=0.9)] * 3000))
    assert len(picked) > 1000


def test_sample_rows_do_not_share_random_streams() -> None:
    logits = torch.zeros(2, 50)
    alone = sample(logits[:1], [Sampler.seeded(1.0, 1.0, 9, 0)])
    together = sample(logits, [Sampler.seeded(1.0, 1.0, 9, 0), Sampler.seeded(1.0, 1.0, 9, 1)])
    assert together[0] == alone[0]
    assert together[0] != together[1]


def test_logprobs_give_the_tokens_own_value_and_the_best_in_order() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0]])
    expected = torch.log_softmax(logits[0], dim=-1).tolist()
    ((own, top),) = logprobs(logits, torch.tensor([0]), 2)
    assert abs(own - expected[0]) < 1e-6
    assert [token for token, _ in top] == [2, 1]
