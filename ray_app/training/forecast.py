"""How long a run will take on machines that are not here: reckoned from sizes, data sheets and named assumptions.

Nothing in it was measured on a GPU. It is for choosing a machine and for noticing that a run is slow; a run itself says
how long it has still to go.
"""

from dataclasses import dataclass
from math import ceil
from typing import Any

from ray_app.training.config import TrainConfig
from ray_app.training.hardware import Gpu
from ray_app.training.loop import save_interval, total_steps
from ray_app.training.memory import parameters

FILL = 0.97
"""share of a pack that documents fill, as measured on lengths like PyX's (`benchmarks/training.py packing`)"""
OVERLAP = 0.8
"""share of a pass's communication that the backward pass hides, where `overlap_comm` is on"""
DISK_GB_S = 1.5
"""what a scratch disk writes per second, of all workers of a machine together"""
HOST_LINK_GB_S = 20.0
"""what one GPU and its host exchange per second, for offloading"""
HOST_MEMORY_GB_S = 100.0
"""what the host's memory gives its optimizer per second, all workers together"""
_STATE_BYTES = 14
"""of a checkpoint, per trained weight: bf16 weights, and in fp32 the master and two moments"""


@dataclass(frozen=True, slots=True)
class Data:
    """Samples of one epoch and their mean length in tokens, prompt included; what share of the tokens is learned."""

    samples: int
    mean_tokens: float
    learned: float = 0.7


@dataclass(frozen=True, slots=True)
class Forecast:
    """Seconds of one step, part by part, and hours of the run."""

    gpu: Gpu
    gpus: int
    packs_per_step: int
    samples_per_step: float
    steps: int
    products_s: float
    communication_s: float
    optimizer_s: float
    save_s: float
    saves: int
    mfu: float

    @property
    def step_s(self) -> float:
        return self.products_s + self.communication_s + self.optimizer_s

    @property
    def hours(self) -> float:
        return (self.steps * self.step_s + self.saves * self.save_s) / 3600

    def __str__(self) -> str:
        parts = {"products": self.products_s, "communication": self.communication_s, "optimizer": self.optimizer_s}
        listed = ", ".join(f"{name} {seconds:.1f}" for name, seconds in parts.items())
        return (
            f"{self.gpus} x {self.gpu.name}: {self.steps} steps of {self.packs_per_step} packs, about "
            f"{self.samples_per_step:.0f} samples each; a step takes {self.step_s:.1f} s ({listed}), which is "
            f"an MFU of {self.mfu:.0%}; {self.saves} checkpoints stop it for {self.save_s:.0f} s each: "
            f"{self.hours:.1f} hours"
        )

    @property
    def assumptions(self) -> str:
        """What the figures rest on, for a person to doubt."""
        return (
            f"assumed, not measured: products at {self.gpu.share:.0%} of {self.gpu.tflops:g} TFLOP/s, packs {FILL:.0%} "
            f"full, {self.gpu.link_gb_s:g} GB/s per GPU between GPUs of which {OVERLAP:.0%} is hidden, "
            f"{HOST_LINK_GB_S:g} GB/s to the host and {HOST_MEMORY_GB_S:g} GB/s of its memory where something is "
            f"offloaded, {DISK_GB_S:g} GB/s to the scratch disk; evaluation and start-up are not counted"
        )


def forecast(config: TrainConfig, model_config: Any, gpu: Gpu, gpus: int, data: Data) -> Forecast:
    """The run `config` on `gpus` of one machine; `config` has the ZeRO stage, offload and micro-batch that fit them."""
    total, trained = parameters(config, model_config)
    packs = packs_of(config, data)
    config = sized(config, data)
    steps = total_steps(config, packs)
    tokens = config.packs_per_step * config.max_length * FILL
    useful, computed = _flops_per_token(config, model_config, total, trained, data)
    products = tokens * computed / (gpus * gpu.tflops * 1e12 * gpu.share)
    passes = config.accumulation(gpus)
    communication = _communication_s(config, total, trained, gpu, gpus, passes)
    optimizer = _optimizer_s(config, trained, gpus, passes)
    step = products + communication + optimizer
    return Forecast(
        gpu,
        gpus,
        config.packs_per_step,
        config.packs_per_step * data.samples * config.num_train_epochs / packs,
        steps,
        products,
        communication,
        optimizer,
        save_s=_STATE_BYTES * trained / (DISK_GB_S * 1e9),
        saves=ceil(steps / save_interval(config, steps)),
        mfu=tokens * useful / step / (gpus * gpu.tflops * 1e12),
    )


def packs_of(config: TrainConfig, data: Data) -> int:
    """Packs of the whole run."""
    return ceil(data.samples * data.mean_tokens / (config.max_length * FILL)) * config.num_train_epochs


def sized(config: TrainConfig, data: Data) -> TrainConfig:
    """With the packs per step that this data would give."""
    return config.sized(data.samples * config.num_train_epochs, packs_of(config, data))


def _flops_per_token(
    config: TrainConfig, model_config: Any, total: int, trained: int, data: Data
) -> tuple[float, float]:
    """(that the training needs, that are computed): with checkpointing the layers' forward pass runs twice, and the
    head's always does (`ray_app.training.loss`)."""
    head = model_config.vocab_size * model_config.hidden_size
    embeddings = head if getattr(model_config, "tie_word_embeddings", False) else 2 * head
    body = total - embeddings
    attention = 6 * model_config.num_hidden_layers * model_config.hidden_size * data.mean_tokens
    frozen = trained < total / 2
    layers = (4 if frozen else 6) * body + attention
    useful = layers + (4 if frozen else 6) * head * data.learned
    again = (2 * body + attention / 3 if config.gradient_checkpointing else 0) + 2 * head * data.learned * (not frozen)
    return useful, useful + again


def _communication_s(config: TrainConfig, total: int, trained: int, gpu: Gpu, gpus: int, passes: int) -> float:
    """Gradients are reduced in every pass from ZeRO-2 on, updated weights gathered once a step; ZeRO-3 gathers the
    weights twice in every pass, three times with checkpointing."""
    if gpus == 1:
        return 0.0
    share = (gpus - 1) / gpus
    second = gpu.link_gb_s * 1e9
    reduced = 2 * trained * share / second * (passes if config.zero_stage >= 2 else 2)
    gathered = 2 * trained * share / second
    if config.zero_stage == 3:
        gathered = 2 * total * share / second * passes * (3 if config.gradient_checkpointing else 2)
    hidden = OVERLAP if config.use_gpu else 0.0
    return (reduced + (gathered if config.zero_stage == 3 else 0.0)) * (1 - hidden) + (
        gathered if config.zero_stage < 3 else 0.0
    )


def _optimizer_s(config: TrainConfig, trained: int, gpus: int, passes: int) -> float:
    """On a GPU its memory is fast enough to be left out; offloaded, gradients go to the host in every pass, Adam reads
    and writes 28 bytes a weight there, and the weights come back."""
    if not config.offload:
        return 0.0
    own = trained / gpus
    return (2 * own * passes + 2 * own) / (HOST_LINK_GB_S * 1e9) + 28 * trained / (HOST_MEMORY_GB_S * 1e9)
