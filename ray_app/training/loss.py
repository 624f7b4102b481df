"""The vocabulary head and its cross-entropy in pieces: the logits of a whole pass never exist at once.

A pass of 8,192 tokens over a vocabulary of 152,000 has 5 GB of fp32 logits, and autograd holds them, and their softmax,
until the backward pass. Here the forward pass takes the losses piece by piece and drops the logits; the backward pass
makes them again. What is held is the head's input, which was held anyway; the price is one more product with the head's
weights. Where these are frozen (LoRA) not even that: the gradient of the input is known, up to a factor per token, as
soon as the logits are, and takes their place.

Losses and gradients are those of `torch.nn.functional.cross_entropy` over `linear` up to the order of a few sums.
"""

from typing import Any, cast

import torch
from torch import nn
from torch.autograd.function import once_differentiable

PIECE = 2**24
"""logits that exist at a time: 64 MiB in fp32, so that a few copies of a piece stay small beside a layer"""
_LEAST_ROWS = 128
"""tokens per piece at least: with fewer, reading the head's weights would take longer than using them"""


class LossHead(nn.Module):
    """A linear head that gives, with `targets`, the cross-entropy of each row, fp32, shape (N,); else logits.

    It takes over the parameters of `head` under the same names, so that checkpoints, tied weights and ZeRO see no
    difference. Every worker calls it once per pass whatever N is: under ZeRO-3 a call gathers the weights, and workers
    that gathered them a different number of times would wait for each other for ever.
    """

    def __init__(self, head: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = head.weight, head.bias

    def forward(self, hidden: torch.Tensor, targets: torch.Tensor | None = None) -> torch.Tensor:
        """`hidden` (N, H), `targets` (N,)."""
        if targets is None:
            return nn.functional.linear(hidden, self.weight, self.bias)
        kind = hidden.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else self.weight.dtype
        with torch.autocast(kind, enabled=False):
            losses = _Losses.apply(hidden.to(dtype), self.weight, self.bias, targets)
        return cast(torch.Tensor, losses)


def rows_per_piece(vocabulary: int) -> int:
    """Tokens whose logits exist at a time."""
    return max(_LEAST_ROWS, PIECE // vocabulary)


class _Losses(torch.autograd.Function):
    """(hidden, weight, bias, targets) -> losses. Products are taken in the precision of `hidden`, sums in fp32."""

    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, targets: torch.Tensor
    ) -> torch.Tensor:
        head = weight.to(hidden.dtype)
        frozen = ctx.needs_input_grad[0] and not (ctx.needs_input_grad[1] or ctx.needs_input_grad[2])
        gradient = torch.empty_like(hidden) if frozen else None
        losses = torch.empty(len(hidden), dtype=torch.float32, device=hidden.device)
        for rows in _pieces(hidden, weight):
            logits = _logits(hidden[rows], head, bias)
            losses[rows] = nn.functional.cross_entropy(logits, targets[rows], reduction="none")
            if gradient is not None:
                gradient[rows] = _slope(logits, targets[rows]).to(head.dtype) @ head
        ctx.frozen = frozen
        ctx.save_for_backward(*((gradient,) if gradient is not None else (hidden, weight, bias, targets)))
        return losses

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *gradients: torch.Tensor
    ) -> tuple[torch.Tensor | None, ...]:
        (of_losses,) = gradients
        if ctx.frozen:
            (gradient,) = ctx.saved_tensors
            return gradient * of_losses[:, None].to(gradient.dtype), None, None, None
        hidden, weight, bias, targets = ctx.saved_tensors
        head = weight.to(hidden.dtype)
        of_hidden = torch.empty_like(hidden)
        of_weight = torch.zeros(weight.shape, dtype=torch.float32, device=weight.device)
        of_bias = None if bias is None else torch.zeros_like(bias)
        for rows in _pieces(hidden, weight):
            slope = _slope(_logits(hidden[rows], head, bias), targets[rows]).mul_(of_losses[rows, None])
            if of_bias is not None:
                of_bias += slope.sum(0).to(of_bias.dtype)
            slope = slope.to(hidden.dtype)
            of_hidden[rows] = slope @ head
            if hidden.dtype == torch.float32:
                of_weight.addmm_(slope.T, hidden[rows])
            else:
                of_weight += slope.T @ hidden[rows]
        return of_hidden, of_weight.to(weight.dtype), of_bias, None


def _pieces(hidden: torch.Tensor, weight: torch.Tensor) -> list[slice]:
    step = rows_per_piece(weight.shape[0])
    return [slice(start, start + step) for start in range(0, len(hidden), step)]


def _logits(hidden: torch.Tensor, head: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    return nn.functional.linear(hidden, head, None if bias is None else bias.to(head.dtype)).float()


def _slope(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The derivative of each row's loss by its logits: the probabilities, less one at the target."""
    slope = torch.softmax(logits, 1)
    slope[torch.arange(len(targets), device=targets.device), targets] -= 1
    return slope
