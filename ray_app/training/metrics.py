"""What a run reports: one JSON line per logged step, the same numbers to TensorBoard and others, and the model's FLOPs.

Keys: `step`, `kind` ("train" or "eval"), `loss` and `loss/<task>` (mean over response tokens), `learning_rate`,
`grad_norm`, `tokens` (document tokens so far; packed rows hold no padding), `tokens_per_s`, `fill` (share of the packs'
capacity that holds documents), `mfu` (only on GPUs whose peak is known), `memory_bytes` (peak, this worker), `eta_s`.
"""

import hashlib
import json
import resource
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from ray_app.errors import InputError
from ray_app.training.config import Precision, Sink, TrainConfig
from ray_app.training.hardware import known

Row = dict[str, Any]


class Writer(Protocol):
    def add(self, row: Row) -> None: ...


class MetricsLog:
    """The history of a run: kept in memory, written as JSON lines after each row, and handed to every sink."""

    def __init__(self, write: Callable[[str], None], sinks: Sequence[Writer] = (), history: Sequence[Row] = ()) -> None:
        self.history: list[Row] = list(history)
        self._write = write
        self._sinks = sinks

    def add(self, row: Row) -> None:
        self.history.append(row)
        self._write("".join(json.dumps(r, sort_keys=True) + "\n" for r in self.history))
        for sink in self._sinks:
            sink.add(row)


class _TensorBoard:
    def __init__(self, config: TrainConfig, directory: str) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(directory)

    def add(self, row: Row) -> None:
        for name, value in _numbers(row):
            self._writer.add_scalar(f"{row['kind']}/{name}", value, row["step"])
        self._writer.flush()


class _Wandb:
    def __init__(self, config: TrainConfig, directory: str) -> None:
        import wandb  # type: ignore[import-not-found]

        self._run: Any = wandb.init(
            project="semray",
            id=_run_id(config),
            name=config.run_name,
            dir=directory,
            config=config.to_dict(),
            resume="allow",
        )
        # Rows of training and of evaluation share steps, which W&B's own counter does not allow.
        self._run.define_metric("*", step_metric="step")

    def add(self, row: Row) -> None:
        self._run.log({"step": row["step"]} | {f"{row['kind']}/{name}": value for name, value in _numbers(row)})


class _Mlflow:
    def __init__(self, config: TrainConfig, directory: str) -> None:
        import mlflow  # type: ignore[import-not-found]

        self._mlflow: Any = mlflow
        tag = {"semray.run": _run_id(config)}
        known = mlflow.search_runs(filter_string=f"tags.`semray.run` = '{tag['semray.run']}'", output_format="list")
        if known:
            mlflow.start_run(run_id=known[0].info.run_id)
        else:
            mlflow.start_run(run_name=config.run_name, tags=tag)
            mlflow.log_params(config.to_dict())

    def add(self, row: Row) -> None:
        # A file store makes a path of each name: "loss" cannot be a file and a folder.
        named = {f"{row['kind']}.{name.replace('/', '.')}": value for name, value in _numbers(row)}
        self._mlflow.log_metrics(named, step=row["step"])


def _run_id(config: TrainConfig) -> str:
    """The same for a resumed run, another for a run of the same name elsewhere."""
    return hashlib.sha256(f"{config.storage_path}/{config.run_name}".encode()).hexdigest()[:16]


_SINKS: dict[Sink, Callable[[TrainConfig, str], Writer]] = {
    "tensorboard": _TensorBoard,
    "wandb": _Wandb,
    "mlflow": _Mlflow,
}


def sinks(config: TrainConfig, directory: str) -> list[Writer]:
    """The sinks of `report_to`, writing under `directory`; InputError where one is not installed."""
    made: list[Writer] = []
    for name in config.report_to:
        try:
            made.append(_SINKS[name](config, directory))
        except ImportError as error:
            raise InputError(f"report_to={name} needs a package that is not installed: pip install {name}") from error
    return made


def _numbers(row: Row) -> list[tuple[str, float]]:
    return [(name, value) for name, value in row.items() if isinstance(value, (int, float)) and name != "step"]


def flops(model: nn.Module, lengths: Sequence[int], learned: int) -> float:
    """Floating-point operations that a forward and backward pass over packed documents needs (recomputation excluded).

    Six per weight and token (four where the weight is frozen: no gradient of it is computed), the vocabulary head only
    where the loss is taken, and causal attention within each document.
    """
    config: Any = getattr(model, "config")  # noqa: B009
    weights = {True: 0, False: 0}
    head = config.vocab_size * config.hidden_size
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2 and not hasattr(parameter, "ds_numel"):
            continue
        if "embed_tokens" not in name and "lm_head" not in name:
            weights[parameter.requires_grad] += int(getattr(parameter, "ds_numel", parameter.numel()))
    attention = 6 * config.num_hidden_layers * config.hidden_size * sum(length * length for length in lengths)
    return (6 * weights[True] + 4 * weights[False]) * sum(lengths) + 6 * head * learned + attention


def peak_flops(device: torch.device, precision: Precision) -> float | None:
    """FLOP/s that a data sheet promises for this device in bf16; None for other precisions and unknown devices."""
    if device.type != "cuda" or precision != "bf16":
        return None
    gpu = known(torch.cuda.get_device_name(device))
    return None if gpu is None else gpu.tflops * 1e12


def peak_memory_bytes(device: torch.device) -> int:
    """The most memory that this process has used: on the GPU, or resident where there is none."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def read(path: Path) -> list[Row]:
    """The rows of a metrics.jsonl; a torn last line (the run was killed while writing) is left out."""
    rows: list[Row] = []
    for line in path.read_text().splitlines():
        with suppress(json.JSONDecodeError):
            rows.append(json.loads(line))
    return rows
