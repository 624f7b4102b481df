"""Losses taken in pieces are those of whole logits: values, gradients, memory, and whatever the model around them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ray_app.training import loss
from ray_app.training.config import TrainConfig
from ray_app.training.loss import LossHead
from ray_app.training.model import Objective, load_model
from tests.training.training_kit import build_model

Make = Callable[..., TrainConfig]
CPU = torch.device("cpu")
TOKENS, HIDDEN, VOCABULARY = 700, 48, 1_000


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of 128 tokens: the last is smaller than the others."""
    monkeypatch.setattr(loss, "PIECE", 1)


def gradients(
    losses: Callable[[torch.Tensor], torch.Tensor], head: nn.Module, hidden: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Losses and the gradients of the head's input and of its parameters, where every token weighs another amount."""
    hidden = hidden.clone().requires_grad_()
    head.zero_grad()
    made = losses(hidden)
    (made * torch.linspace(0.5, 1.5, len(made))).sum().backward()
    assert hidden.grad is not None
    return made.detach(), hidden.grad, *(p.grad.clone() for p in head.parameters() if p.grad is not None)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_losses_and_gradients_are_those_of_whole_logits(bias: bool, frozen: bool) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(HIDDEN, VOCABULARY, bias=bias).requires_grad_(not frozen)
    hidden, targets = 3 * torch.randn(TOKENS, HIDDEN), torch.randint(0, VOCABULARY, (TOKENS,))
    whole = gradients(lambda x: nn.functional.cross_entropy(linear(x), targets, reduction="none"), linear, hidden)
    pieces = gradients(lambda x: LossHead(linear)(x, targets), linear, hidden)
    assert len(whole) == len(pieces) == 2 + (0 if frozen else 1 + bias)
    for a, b in zip(whole, pieces, strict=True):
        assert float((a - b).norm() / a.norm()) < 1e-6


def test_without_targets_the_head_gives_logits() -> None:
    linear = nn.Linear(HIDDEN, VOCABULARY)
    hidden = torch.randn(3, HIDDEN)
    assert torch.equal(LossHead(linear)(hidden), linear(hidden))


def test_no_token_at_all_is_no_loss() -> None:
    head = LossHead(nn.Linear(HIDDEN, VOCABULARY))
    hidden = torch.zeros(0, HIDDEN, requires_grad=True)
    head(hidden, torch.zeros(0, dtype=torch.long)).sum().backward()
    assert float(head.weight.grad.abs().sum()) == 0


def test_half_precision_losses_are_as_near_as_half_precision_is() -> None:
    torch.manual_seed(0)
    linear = nn.Linear(HIDDEN, VOCABULARY, bias=False)
    hidden, targets = torch.randn(TOKENS, HIDDEN), torch.randint(0, VOCABULARY, (TOKENS,))
    whole = gradients(lambda x: nn.functional.cross_entropy(linear(x), targets, reduction="none"), linear, hidden)
    with torch.autocast("cpu", torch.bfloat16):
        pieces = gradients(lambda x: LossHead(linear)(x, targets), linear, hidden)
    for a, b in zip(whole, pieces, strict=True):
        assert b.dtype == torch.float32
        assert float((a - b).norm() / a.norm()) < 0.01


@pytest.mark.parametrize("overrides", [{}, {"lora_rank": 4}, {"gradient_checkpointing": True}])
@pytest.mark.parametrize(("kind", "tied"), [("llama", True), ("llama", False), ("qwen2", True)])
def test_objective_is_that_of_whole_logits_for_whole_models(
    make_config: Make, tmp_path: Path, kind: str, tied: bool, overrides: dict[str, Any]
) -> None:
    path = build_model(tmp_path / "m", kind=kind, tie_word_embeddings=tied)
    config = make_config(model=str(path), **overrides)
    found: list[tuple[torch.Tensor, dict[str, torch.Tensor]]] = []
    for whole in (True, False):
        torch.manual_seed(1)
        model = load_model(config, CPU).train()
        keep = torch.arange(3, 200)
        losses = Objective(model, whole_logits=whole)(
            torch.arange(250)[None] % 390, torch.arange(250)[None], keep, keep % 97, (120, 130)
        )
        losses.mean().backward()
        grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        found.append((losses.detach(), grads))
    (whole_losses, whole_grads), (losses, grads) = found
    torch.testing.assert_close(losses, whole_losses, rtol=1e-6, atol=1e-6)
    assert grads.keys() == whole_grads.keys()
    for name, gradient in whole_grads.items():
        torch.testing.assert_close(grads[name], gradient, rtol=1e-5, atol=1e-6, msg=name)


def test_parameters_keep_their_names_and_their_ties(make_config: Make) -> None:
    model = load_model(make_config(), CPU)
    before = dict(model.named_parameters()).keys(), model.state_dict().keys()
    Objective(model)
    assert (dict(model.named_parameters()).keys(), model.state_dict().keys()) == before
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_a_model_that_changes_its_logits_keeps_its_head(make_config: Make) -> None:
    model = load_model(make_config(), CPU)
    model.config.final_logit_softcapping = 30.0
    Objective(model)
    assert type(model.get_output_embeddings()) is nn.Linear
