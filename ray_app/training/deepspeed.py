"""The DeepSpeed engine: ZeRO 0 to 3 over the workers of one process group, with CPU offload, on GPUs and on CPUs.

On a CPU three things keep DeepSpeed from compiling kernels for minutes at start: the accelerator is named before the
import, the shared-memory communication op is declared absent, and the optimizer is PyTorch's own.
"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from ray_app.errors import EngineError, InputError
from ray_app.training.config import TrainConfig
from ray_app.training.engine import optimizer_for, random_state, restore_random
from ray_app.training.model import Batch, Objective, load_model

REDUCE_BUCKET = 200_000_000
"""gradients, in elements, that are collected before they are reduced"""
TAG = "state"
UNIVERSAL = "universal"


def settings(config: TrainConfig, workers: int, *, universal: bool = False) -> dict[str, Any]:
    """The DeepSpeed JSON of a run: ours, overlaid with the file `config.deepspeed`, whose "auto" values take ours."""
    # With communication under way while the backward pass goes on there are two buckets of gradients at a time, so they
    # are smaller than DeepSpeed's: the plan of `memory` counts both. On a CPU there is nothing to overlap with.
    zero: dict[str, Any] = {
        "stage": config.zero_stage,
        "overlap_comm": config.use_gpu,
        "reduce_bucket_size": REDUCE_BUCKET,
        "allgather_bucket_size": REDUCE_BUCKET,
    }
    half = config.precision == "bf16"
    if half and config.zero_stage < 2:
        # Of stage 1 DeepSpeed writes checkpoints that its own conversion to fp32 weights cannot read.
        why = ("keeps no fp32 weights", "writes checkpoints that cannot be exported")[config.zero_stage]
        raise InputError(
            f"zero_stage={config.zero_stage} with precision=bf16 {why}: set zero_stage=2, which needs less memory too"
        )
    if config.offload and config.zero_stage:
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": config.use_gpu}
        if config.zero_stage == 3:
            zero["offload_param"] = {"device": "cpu", "pin_memory": config.use_gpu}
    ours = {
        "train_batch_size": config.packs_per_step,
        "train_micro_batch_size_per_gpu": config.per_device_train_batch_size,
        "gradient_accumulation_steps": config.accumulation(workers),
        "gradient_clipping": config.max_grad_norm,
        "zero_optimization": zero,
        "bf16": {"enabled": half},
        **({"data_types": {"grad_accum_dtype": "fp32"}} if half else {}),
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "steps_per_print": 10**9,
        "checkpoint": {"load_universal": universal},
    }
    if not config.deepspeed:
        return ours
    try:
        theirs = json.loads(Path(config.deepspeed).read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"deepspeed={config.deepspeed!r} is no readable JSON file: {error}") from error
    return overlaid(ours, theirs)


def overlaid(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """`theirs` wins key by key, also in nested objects; where it says "auto" our value stays, if there is one."""
    merged = dict(ours)
    for key, value in theirs.items():
        mine = ours.get(key)
        if isinstance(value, dict):
            merged[key] = overlaid(cast(dict[str, Any], mine) if isinstance(mine, dict) else {}, value)
        elif value != "auto":
            merged[key] = value
    return merged


class DeepSpeedEngine:
    """The engine of one worker; `torch.distributed` is already set up, as Ray Train and torchrun do it.

    `resume` is a checkpoint directory, `saved_world` the number of workers that wrote it: another number than now goes
    through DeepSpeed's universal format, which needs about the checkpoint's size of free disk beside it.
    """

    def __init__(
        self, config: TrainConfig, device: torch.device, *, resume: Path | None = None, saved_world: int = 0
    ) -> None:
        self.rank, self.world, self.device = torch.distributed.get_rank(), torch.distributed.get_world_size(), device
        elastic = resume is not None and saved_world != self.world and config.zero_stage > 0
        chosen = settings(config, self.world, universal=elastic)
        deepspeed = _imported(device)
        keep_alive = _zero3_context(chosen)
        computed = torch.bfloat16 if chosen["bf16"]["enabled"] is True else torch.float32
        self.model: nn.Module = load_model(config, device, dtype=computed, partitioned=keep_alive is not None)
        del keep_alive
        objective = Objective(self.model)
        self._engine: Any = deepspeed.initialize(
            model=objective, optimizer=_optimizer(objective, config, chosen, device), config=chosen
        )[0]
        if resume is not None:
            self._resume(resume, elastic)

    def losses(self, batch: Batch) -> torch.Tensor:
        return self._engine(batch.input_ids, batch.position_ids, batch.keep, batch.targets, batch.lengths)

    def backward(self, loss: torch.Tensor) -> None:
        self._engine.backward(loss, scale_wrt_gas=False)
        if not self._engine.is_gradient_accumulation_boundary():
            self._engine.step()

    def step(self, learning_rate: float) -> float:
        for group in self._engine.optimizer.param_groups:
            group["lr"] = learning_rate
        before = self._plain_norm() if self._engine.zero_optimization_stage() == 0 else math.nan
        self._engine.step()
        norm = self._engine.get_global_grad_norm()
        return before if norm is None else float(norm)

    def total(self, values: torch.Tensor) -> torch.Tensor:
        shared = values.to(self.device)
        torch.distributed.all_reduce(shared)
        return shared.cpu()

    def save(self, directory: Path) -> None:
        (directory / TAG).mkdir(parents=True, exist_ok=True)
        self._engine.save_checkpoint(str(directory), tag=TAG)
        torch.save(random_state(self.device), directory / f"random_{self.rank}.pt")

    def load(self, directory: Path) -> None:
        """Restore a checkpoint written by the same number of workers."""
        self._resume(directory, elastic=False)

    def _resume(self, directory: Path, elastic: bool) -> None:
        if elastic:
            if int(os.environ.get("LOCAL_RANK", "0")) == 0:
                to_universal(directory)
            torch.distributed.barrier()
        loaded, _ = self._engine.load_checkpoint(str(directory), tag=UNIVERSAL if elastic else TAG)
        if loaded is None:
            raise EngineError(f"DeepSpeed found no checkpoint in {directory}: use another run_name")
        mine = directory / f"random_{self.rank}.pt"
        if mine.is_file():
            restore_random(torch.load(mine, weights_only=True), self.device)

    def _plain_norm(self) -> float:
        grads = [p.grad for p in self._engine.module.parameters() if p.grad is not None]
        return float(nn.utils.get_total_norm(grads))


def to_universal(directory: Path) -> None:
    """Convert the checkpoint in `directory`, of any number of workers, to DeepSpeed's universal format beside it."""
    if (directory / UNIVERSAL / "zero").is_dir():
        return
    command = [sys.executable, "-m", "deepspeed.checkpoint.ds_to_universal", "--inject_missing_state"]
    command += ["--input_folder", str(directory / TAG), "--output_folder", str(directory / UNIVERSAL)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise EngineError(f"cannot convert {directory} for another number of workers: {' '.join(last)}")


def _imported(device: torch.device) -> Any:
    """The deepspeed package with its process group set up, and nothing compiled on a CPU."""
    if device.type == "cpu":
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    import deepspeed
    import deepspeed.ops

    if device.type == "cpu":
        compatible = cast(dict[str, bool], deepspeed.ops.__compatible_ops__)
        compatible["deepspeed_shm_comm"] = False
    deepspeed.init_distributed(dist_backend="gloo" if device.type == "cpu" else "nccl", auto_mpi_discovery=False)
    return deepspeed


def _zero3_context(chosen: dict[str, Any]) -> object | None:
    """While this object lives, `from_pretrained` builds partitioned weights, as stage 3 needs it."""
    if chosen["zero_optimization"]["stage"] != 3:
        return None
    from transformers.integrations.deepspeed import HfDeepSpeedConfig

    return HfDeepSpeedConfig(chosen)


def _optimizer(
    objective: nn.Module, config: TrainConfig, chosen: dict[str, Any], device: torch.device
) -> torch.optim.Optimizer | None:
    """None where the user's JSON names an optimizer; DeepSpeed's CPU Adam where a GPU offloads its optimizer state."""
    if "optimizer" in chosen:
        return None
    if device.type == "cuda" and chosen["zero_optimization"].get("offload_optimizer"):
        from deepspeed.ops.adam import DeepSpeedCPUAdam

        return DeepSpeedCPUAdam(
            [p for p in objective.parameters() if p.requires_grad],
            lr=config.learning_rate,
            betas=(config.adam_beta1, config.adam_beta2),
            eps=config.adam_epsilon,
            weight_decay=cast(int, config.weight_decay),  # a float; the signature is annotated by its default 0
            adamw_mode=True,
        )
    return optimizer_for(objective.parameters(), config, device)


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The whole fp32 state dict of a checkpoint of any ZeRO stage, under the model's own parameter names.

    Not `zero_to_fp32 --safe_serialization`: that fails on tied weights.
    """
    folder = checkpoint / TAG
    if any(folder.glob("*_optim_states.pt")):
        from deepspeed.utils.zero_to_fp32 import get_fp32_state_dict_from_zero_checkpoint

        state = cast(dict[str, torch.Tensor], get_fp32_state_dict_from_zero_checkpoint(str(checkpoint), tag=TAG))
    elif (whole := folder / "mp_rank_00_model_states.pt").is_file():
        state = torch.load(whole, map_location="cpu", weights_only=False)["module"]
    else:
        raise EngineError(f"{checkpoint} holds no DeepSpeed checkpoint: expected {folder}")
    return {str(name).removeprefix("model."): tensor for name, tensor in state.items()}
