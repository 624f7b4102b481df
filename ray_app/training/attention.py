"""Attention for packed rows: each document sees itself and nothing else.

A packed row is one sequence `(1, T)` of documents laid end to end with positions that restart. Instead of a `T x T`
mask this runs causal attention once per document: no leakage is possible, no work is spent on masked pairs, and the
fused kernels apply on every device. On a GPU in half precision it is one variable-length flash kernel. Models get it
by `attn_implementation=PACKED`; the lengths travel through the model's forward as the keyword `document_lengths`.
"""

from typing import Any, cast

import torch
from torch import nn

PACKED = "semray_packed"


def register() -> str:
    """Make PACKED known to transformers (idempotent) and return its name."""
    from transformers import AttentionInterface

    AttentionInterface.register(PACKED, packed_attention)
    return PACKED


def packed_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    document_lengths: tuple[int, ...] | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """The attention interface of transformers: query (1, H, T, D), key and value (1, K, T, D) -> (1, T, H, D).

    Without `document_lengths` each row is one document. There is no mask to apply: the model must have been given none,
    and must not use sliding windows shorter than its context.
    """
    lengths = document_lengths or (query.shape[2],)
    if len(lengths) > 1 and dropout == 0.0 and query.is_cuda and query.dtype in (torch.bfloat16, torch.float16):
        return _varlen(query, key, value, lengths, scaling), None
    parts = [
        torch.nn.functional.scaled_dot_product_attention(
            q, k, v, dropout_p=dropout, is_causal=True, scale=scaling, enable_gqa=q.shape[1] != k.shape[1]
        )
        for q, k, v in zip(
            query.split(lengths, dim=2), key.split(lengths, dim=2), value.split(lengths, dim=2), strict=True
        )
    ]
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous(), None


def _varlen(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, lengths: tuple[int, ...], scaling: float | None
) -> torch.Tensor:
    from torch.nn.attention.varlen import varlen_attn

    ends = torch.tensor((0, *lengths), dtype=torch.int32, device=query.device).cumsum(0, dtype=torch.int32)
    q, k, v = (tensor[0].transpose(0, 1).contiguous() for tensor in (query, key, value))
    longest = max(lengths)
    out = varlen_attn(
        q,
        k,
        v,
        cu_seq_q=ends,
        cu_seq_k=ends,
        max_q=longest,
        max_k=longest,
        scale=scaling,
        window_size=(-1, 0),
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return cast(torch.Tensor, out)[None]
