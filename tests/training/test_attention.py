"""Packed documents are strangers to each other: the model computes for each what it computes for it alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from ray_app.training.attention import _varlen, packed_attention, register
from ray_app.training.model import Objective, to_batch
from ray_app.training.pack import assemble
from ray_app.training.tokenize import Document
from tests.training.training_kit import build_model

CPU = torch.device("cpu")
TOLERANCE = 2e-5  # fp32, losses of about 6


def documents(seed: int = 0, sizes: tuple[int, ...] = (17, 40, 9, 31)) -> list[Document]:
    draw = torch.Generator().manual_seed(seed)
    return [
        Document(f"d{k}", "nl", 0, size // 3, 0, tuple(torch.randint(5, 290, (size,), generator=draw).tolist()))
        for k, size in enumerate(sizes)
    ]


def losses(model: Objective, rows: list[Document]) -> torch.Tensor:
    batch = to_batch([assemble(0, rows)], ["nl"], CPU)
    return model(batch.input_ids, batch.position_ids, batch.keep, batch.targets, batch.lengths)


@pytest.fixture(scope="module", params=["llama", "qwen2"])
def packed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Objective:
    path: Path = build_model(tmp_path_factory.mktemp(request.param), kind=request.param)
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation=register())
    return Objective(model).eval()


def test_packed_losses_and_gradients_equal_the_padded_batch(packed: Objective) -> None:
    rows = documents()
    packed.zero_grad()
    together = losses(packed, rows)
    together.sum().backward()
    gradient = {name: p.grad.clone() for name, p in packed.named_parameters() if p.grad is not None}

    config = packed.model.config
    plain = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    plain.load_state_dict(packed.model.state_dict())
    longest = max(len(d.input_ids) for d in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, -100)
    for k, d in enumerate(rows):
        size = len(d.input_ids)
        ids[k, :size], mask[k, :size] = torch.tensor(d.input_ids), 1
        labels[k, d.prompt_length : size] = torch.tensor(d.input_ids[d.prompt_length :])
    logits = plain(input_ids=ids, attention_mask=mask).logits[:, :-1]
    padded = torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), labels[:, 1:].reshape(-1), ignore_index=-100, reduction="sum"
    )
    padded.backward()
    assert float(together.detach().sum()) == pytest.approx(float(padded), rel=1e-5)
    for name, parameter in plain.named_parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(gradient[f"model.{name}"], parameter.grad, rtol=1e-3, atol=1e-4)


def test_packed_document_perturbed_leaves_its_neighbours_unchanged(packed: Objective) -> None:
    rows = documents()
    changed = [rows[0], documents(seed=9)[1], *rows[2:]]
    before, after = losses(packed, rows).split([12, 27, 6, 21]), losses(packed, changed).split([12, 27, 6, 21])
    assert all(torch.equal(before[k], after[k]) for k in (0, 2, 3))
    assert not torch.allclose(before[1], after[1])


def test_packed_documents_reordered_keep_their_losses(packed: Objective) -> None:
    rows = documents()
    forwards, backwards = losses(packed, rows), losses(packed, rows[::-1])
    alone = torch.cat([losses(packed, [row]) for row in rows])
    torch.testing.assert_close(forwards, alone, rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(backwards.split([21, 6, 27, 12])[3], alone[:12], rtol=0, atol=TOLERANCE)


def test_packed_attention_under_autocast_computes_in_half_precision(packed: Objective) -> None:
    q, k = (torch.randn(1, 4, 9, 8) for _ in range(2))
    v = torch.randn(1, 4, 9, 8).bfloat16()
    mixed, _ = packed_attention(torch.nn.Identity(), q, k, v, None, document_lengths=(4, 5))
    half, _ = packed_attention(torch.nn.Identity(), q.bfloat16(), k.bfloat16(), v, None, document_lengths=(4, 5))
    assert mixed.dtype == torch.bfloat16
    assert torch.equal(mixed, half)
    batch = to_batch([assemble(0, documents())], ["nl"], CPU)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rough = packed(batch.input_ids, batch.position_ids, batch.keep, batch.targets, batch.lengths)
    torch.testing.assert_close(rough, losses(packed, documents()), rtol=0.05, atol=0.1)


def kernel_of_2_13(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, cu_seq_q: torch.Tensor, cu_seq_k: torch.Tensor, max_q: int,
    max_k: int, *, scale: float | None = None, window_size: tuple[int, int] = (-1, -1), enable_gqa: bool = False,
) -> torch.Tensor:  # fmt: skip
    """What the kernel promises, computed with a mask: shapes (T, H, D), documents between the ends, causal."""
    assert torch.equal(cu_seq_q, cu_seq_k)
    assert window_size == (-1, 0)
    assert max_q == max_k == int(cu_seq_q.diff().max())
    document = torch.bucketize(torch.arange(len(q)), cu_seq_q[1:], right=True)
    mask = (document[:, None] == document) & torch.ones(len(q), len(q), dtype=torch.bool).tril()
    q, k, v = (tensor.transpose(0, 1)[None] for tensor in (q, k, v))
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v, mask, scale=scale, enable_gqa=enable_gqa)
    return out[0].transpose(0, 1)


def kernel_of_2_11(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, cu_seq_q: torch.Tensor, cu_seq_k: torch.Tensor, max_q: int,
    max_k: int, *, scale: float | None = None, window_size: tuple[int, int] = (-1, -1),
) -> torch.Tensor:  # fmt: skip
    assert q.shape == k.shape == v.shape
    return kernel_of_2_13(q, k, v, cu_seq_q, cu_seq_k, max_q, max_k, scale=scale, window_size=window_size)


@pytest.mark.parametrize("kernel", [kernel_of_2_11, kernel_of_2_13])
@pytest.mark.parametrize("heads", [2, 4])
def test_varlen_arguments_mean_the_same_attention_for_each_release(kernel: Callable[..., Any], heads: int) -> None:
    lengths = (17, 40, 5)
    q = torch.randn(1, 4, sum(lengths), 8)
    k, v = (torch.randn(1, heads, sum(lengths), 8) for _ in range(2))
    expected, _ = packed_attention(torch.nn.Identity(), q, k, v, None, scaling=0.3, document_lengths=lengths)
    torch.testing.assert_close(_varlen(kernel, q, k, v, lengths, 0.3), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="the variable-length kernel needs a GPU")
def test_varlen_kernel_on_gpu_equals_one_call_per_document() -> None:
    lengths = (17, 64, 5)
    q = torch.randn(1, 4, sum(lengths), 32, device="cuda", dtype=torch.bfloat16)
    k, v = (torch.randn(1, 2, sum(lengths), 32, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    fast, _ = packed_attention(torch.nn.Identity(), q, k, v, None, document_lengths=lengths)
    slow, _ = packed_attention(torch.nn.Identity(), q.float(), k.float(), v.float(), None, document_lengths=lengths)
    torch.testing.assert_close(fast.float(), slow, rtol=2e-2, atol=2e-2)
