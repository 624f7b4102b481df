"""How much memory a run needs, before it starts, and what to change where there is too little.

Made for Llama-like decoders (Llama, Qwen2, Mistral, DeepSeek-Coder): the model is built without storage to count
weights, and what one layer keeps for the backward pass was read off autograd and is tested against it.
Not counted: the allocator's slack and the libraries themselves, for which RESERVE is set aside.
"""

import dataclasses
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import torch

from ray_app.errors import EngineError
from ray_app.training.config import TrainConfig
from ray_app.training.deepspeed import REDUCE_BUCKET
from ray_app.training.loss import rows_per_piece

GIB = 1024**3
RESERVE = 0.9
"""share of a device's memory that a run may plan with"""
_ON_THE_DEVICE = ("weights", "copies", "gradients", "buckets", "optimizer", "activations", "logits")
CHOSEN = ("zero_stage", "offload", "per_device_train_batch_size")
"""what `chosen` decides"""
_MICRO_BATCHES = (16, 8, 4, 2, 1)
_LIVE_PARAMETERS = 1_000_000_000
"""weights, in elements, that ZeRO-3 holds gathered at a time at most: DeepSpeed's default"""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes per worker at the peak.

    `copies`: weights that are there a second time, gathered from other workers or cast by autocast. `buckets`:
    gradients on their way to other workers. `host` is what offloading moved to CPU memory, on top of the device's.
    """

    weights: int
    copies: int
    gradients: int
    buckets: int
    optimizer: int
    activations: int
    logits: int
    host: int

    @property
    def device(self) -> int:
        return sum(getattr(self, name) for name in _ON_THE_DEVICE)

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {getattr(self, name) / GIB:.2f}" for name in _ON_THE_DEVICE)
        host = f", {self.host / GIB:.2f} GiB of host memory" if self.host else ""
        return f"{self.device / GIB:.2f} GiB per worker ({parts}){host}"


def estimate(config: TrainConfig, model_config: Any, workers: int, *, plain: bool = False) -> Estimate:
    """The need of one of `workers` workers under DeepSpeed, or of the plain engine.

    Activations assume full packs of which every token is learned: the most that can happen.
    """
    total, trained = parameters(config, model_config)
    stage = 0 if plain else config.zero_stage
    half = config.precision == "bf16"
    compute = 2 if half and not plain else 4
    shared = [workers if stage >= level else 1 for level in range(4)]
    weights = compute * total // shared[3]
    copies = 0
    if half and plain:
        copies = 2 * total  # autocast keeps its casts of all weights until the backward pass is through
    if stage == 3:
        copies = compute * min(_LIVE_PARAMETERS, total)
    gradients = 4 * trained // shared[2]  # added up in fp32 whatever they are computed in
    if compute == 2 and stage < 2:
        gradients += compute * trained
    buckets = 0 if plain or not stage else compute * min(REDUCE_BUCKET, trained) * (2 if config.use_gpu else 1)
    master = 0 if compute == 4 and stage == 0 else 4 * trained // shared[1]
    optimizer = master + 8 * trained // shared[1]
    host = 0
    if config.offload and stage:
        host, optimizer, gradients = optimizer + gradients, 0, 0
        if stage == 3:
            host, weights = host + weights, 0
    tokens = config.max_length * config.per_device_train_batch_size
    layer = tokens * _kept_per_token(model_config, half)
    vector = tokens * model_config.hidden_size
    if config.gradient_checkpointing:
        activations = vector * (2 if half else 4) * model_config.num_hidden_layers + layer
    else:
        activations = layer * model_config.num_hidden_layers
    activations += vector * (8 if half else 12)  # the last norm and the head's input
    logits = _head_bytes(config, model_config, tokens, half)
    return Estimate(weights, copies, gradients, buckets, optimizer, activations, logits, host)


def _head_bytes(config: TrainConfig, model_config: Any, tokens: int, half: bool) -> int:
    """What the head and the loss take while they work: one piece of the logits in four forms, and the gradient of the
    head's weights, which is added up in fp32 and in half precision also there as a product and as what is handed on."""
    piece = min(tokens, rows_per_piece(model_config.vocab_size)) * model_config.vocab_size
    head = 0 if config.lora_rank else model_config.vocab_size * model_config.hidden_size
    return piece * (12 + (2 if half else 4)) + head * (4 + (4 if half else 0))


def parameters(config: TrainConfig, model_config: Any) -> tuple[int, int]:
    """(all, trained) weights; with LoRA only the adapters are trained. Tied weights count once."""
    from transformers import AutoModelForCausalLM

    from ray_app.training.model import with_adapters

    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(model_config)
        model.tie_weights()
        if config.lora_rank:
            model = with_adapters(model, config)
    every = list(model.parameters())
    return sum(p.numel() for p in every), sum(p.numel() for p in every if p.requires_grad)


def available_bytes(device: torch.device, workers_here: int) -> int:
    """Memory that one worker may plan with: RESERVE of its GPU, or of its share of the free memory of this machine."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory * RESERVE)
    return int(psutil.virtual_memory().available * RESERVE) // workers_here


def check(config: TrainConfig, model_config: Any, workers: int, available: int, *, plain: bool = False) -> Estimate:
    """The estimate; EngineError with a remedy that would fit, where the run needs more than `available` bytes."""
    need = estimate(config, model_config, workers, plain=plain)
    if need.device <= available:
        return need
    remedies = (
        change
        for change in _remedies(config, plain)
        if estimate(dataclasses.replace(config, **change), model_config, workers, plain=plain).device <= available
    )
    change = next(remedies, None)
    advice = "use a smaller model or more memory"
    if change is not None:
        advice = "set " + ", ".join(f"{name}={value}" for name, value in change.items())
    raise EngineError(f"training needs {need}, but {available / GIB:.2f} GiB can be used: {advice}")


def check_export(config: TrainConfig, model_config: Any) -> None:
    """An EngineError unless this machine's memory holds what exporting takes: the weights thrice, in fp32."""
    need, available = 12 * parameters(config, model_config)[0], psutil.virtual_memory().available
    if need > available:
        raise EngineError(
            f"exporting {config.model} needs {need / GIB:.1f} GiB of memory, {socket.gethostname()} has "
            f"{available / GIB:.1f} GiB available: rerun on a larger node; the checkpoints are kept"
        )


def chosen(config: TrainConfig, model_config: Any, workers: int, available: int) -> TrainConfig:
    """The config with the fastest ZeRO stage, offload and micro-batch that fit in `available` bytes per worker.

    Sharding less and offloading nothing comes first, then the largest micro-batch that divides the global batch.
    EngineError where nothing fits.
    """
    for offload, stage in ((False, 2), (False, 3), (True, 2), (True, 3)):
        for micro in _MICRO_BATCHES:
            if config.packs_per_step % (micro * workers):
                continue
            candidate = dataclasses.replace(
                config, offload=offload, zero_stage=stage, per_device_train_batch_size=micro, num_workers=workers
            )
            if estimate(candidate, model_config, workers).device <= available:
                return candidate
    smallest = dataclasses.replace(config, offload=True, zero_stage=3, num_workers=workers)
    check(smallest, model_config, workers, available)
    return smallest


def _remedies(config: TrainConfig, plain: bool) -> Iterator[dict[str, Any]]:
    """Changes that save memory, the cheapest in time first; each includes the ones before it."""
    change: dict[str, Any] = {}
    if config.per_device_train_batch_size > 1:
        change = change | {"per_device_train_batch_size": 1}
        yield change
    if not config.gradient_checkpointing:
        change = change | {"gradient_checkpointing": True}
        yield change
    if not plain and config.zero_stage < 3:
        change = change | {"zero_stage": 3}
        yield change
    if not plain and not config.offload:
        change = change | {"offload": True}
        yield change
    if not config.lora_rank:
        yield change | {"lora_rank": 16}


def _kept_per_token(model_config: Any, half: bool) -> int:
    """Bytes that one decoder layer keeps per token for the backward pass.

    Nine vectors of the hidden size, keys and values, four of the feed-forward size; in half precision the inputs of the
    two norms are kept in fp32; one number per head and norm.
    """
    hidden, heads = model_config.hidden_size, model_config.num_attention_heads
    head = getattr(model_config, "head_dim", None) or hidden // heads
    key = (getattr(model_config, "num_key_value_heads", None) or heads) * head
    vectors = 9 * hidden + 2 * key + 4 * model_config.intermediate_size
    return (2 if half else 4) * vectors + (4 * hidden if half else 0) + 4 * (heads + 2)
