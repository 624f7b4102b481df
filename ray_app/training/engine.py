"""What steps a model: the interface that the loop needs, and the plain PyTorch engine for one device.

The DeepSpeed engine has the same interface; nothing here needs Ray or DeepSpeed.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from ray_app.training.config import TrainConfig
from ray_app.training.model import Batch, Objective


class Engine(Protocol):
    """One worker's view of the training state. All methods but `rank`, `world` and `device` are collective."""

    rank: int
    world: int
    device: torch.device
    model: nn.Module

    def losses(self, batch: Batch) -> torch.Tensor:
        """The loss of each learned token of the batch, shape (N,), fp32."""
        ...

    def backward(self, loss: torch.Tensor) -> None:
        """Add this worker's gradient of `loss`; after the last one of a step, gradients are summed over workers."""
        ...

    def step(self, learning_rate: float) -> float:
        """Clip, update, clear; the norm of the gradient before clipping."""
        ...

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The element-wise sum over workers."""
        ...

    def save(self, directory: Path) -> None:
        """Write this worker's part of weights, optimizer and random state."""
        ...

    def load(self, directory: Path) -> None:
        """Restore what `save` wrote (the parts of all workers lie in `directory`)."""
        ...


def optimizer_for(parameters: Iterable[nn.Parameter], config: TrainConfig, device: torch.device) -> torch.optim.AdamW:
    """AdamW with the run's settings; the fused kernel on a GPU."""
    return torch.optim.AdamW(
        [parameter for parameter in parameters if parameter.requires_grad],
        lr=config.learning_rate,
        betas=(config.adam_beta1, config.adam_beta2),
        eps=config.adam_epsilon,
        weight_decay=config.weight_decay,
        fused=device.type == "cuda",
    )


class PlainEngine:
    """One device, fp32 weights, bf16 by autocast where asked for. Needs torch and transformers only."""

    def __init__(self, model: nn.Module, config: TrainConfig, device: torch.device) -> None:
        self.rank, self.world, self.device = 0, 1, device
        self.model = model
        self._objective = Objective(model).to(device)
        self._config = config
        self._optimizer = optimizer_for(self._objective.parameters(), config, device)

    def losses(self, batch: Batch) -> torch.Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._config.precision == "bf16"):
            return self._objective(batch.input_ids, batch.position_ids, batch.keep, batch.targets, batch.lengths)

    def backward(self, loss: torch.Tensor) -> None:
        loss.backward()

    def step(self, learning_rate: float) -> float:
        limit = self._config.max_grad_norm or float("inf")
        norm = float(nn.utils.clip_grad_norm_(self._objective.parameters(), limit))
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return norm

    def total(self, values: torch.Tensor) -> torch.Tensor:
        return values

    def save(self, directory: Path) -> None:
        state: dict[str, Any] = {
            "weights": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "random": random_state(self.device),
        }
        torch.save(state, directory / "plain.pt")

    def load(self, directory: Path) -> None:
        state = torch.load(directory / "plain.pt", map_location="cpu", weights_only=True)
        self.model.load_state_dict(state["weights"])
        self._optimizer.load_state_dict(state["optimizer"])
        restore_random(state["random"], self.device)


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """What dropout draws from, on the CPU and on this device."""
    state = {"cpu": torch.get_rng_state()}
    return state | {"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else state


def restore_random(state: dict[str, torch.Tensor], device: torch.device) -> None:
    """The inverse of `random_state`."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
