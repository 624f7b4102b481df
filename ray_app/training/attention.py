"""Attention for packed rows: each document sees itself and nothing else.

A packed row is one sequence `(1, T)` of documents laid end to end with positions that restart. Instead of a `T x T`
mask this runs causal attention once per document: no leakage is possible, no work is spent on masked pairs, and the
fused kernels apply on every device. On a GPU in half precision it is one variable-length flash kernel. Models get it
by `attn_implementation=PACKED`; the lengths travel through the model's forward as the keyword `document_lengths`.
"""

import functools
import inspect
from collections.abc import Callable
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
    query, key = query.to(value.dtype), key.to(value.dtype)  # under autocast the rotary embedding leaves them in fp32
    lengths = document_lengths or (query.shape[2],)
    half = query.is_cuda and query.dtype in (torch.bfloat16, torch.float16)
    if half and len(lengths) > 1 and dropout == 0.0 and (kernel := _varlen_kernel()) is not None:
        return _varlen(kernel, query, key, value, lengths, scaling), None
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
    kernel: Callable[..., Any],
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    lengths: tuple[int, ...],
    scaling: float | None,
) -> torch.Tensor:
    """One call of the kernel for all documents; keys and values are repeated for a kernel that cannot share them."""
    shared: dict[str, bool] = {}
    if (groups := query.shape[1] // key.shape[1]) > 1:
        if "enable_gqa" in inspect.signature(kernel).parameters:
            shared["enable_gqa"] = True
        else:
            key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    ends = torch.tensor((0, *lengths), dtype=torch.int32, device=query.device).cumsum(0, dtype=torch.int32)
    q, k, v = (tensor[0].transpose(0, 1).contiguous() for tensor in (query, key, value))
    longest = max(lengths)
    out = kernel(q, k, v, ends, ends, longest, longest, scale=scaling, window_size=(-1, 0), **shared)
    return cast(torch.Tensor, out)[None]


@functools.cache
def _varlen_kernel() -> Callable[..., Any] | None:
    """PyTorch's variable-length flash kernel; None before PyTorch 2.11, where it lacks the scale."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    return varlen_attn if {"scale", "window_size"} <= inspect.signature(varlen_attn).parameters.keys() else None
