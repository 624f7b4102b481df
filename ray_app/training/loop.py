"""The training loop as plain functions: no Ray, no DeepSpeed, the same on one CPU and on eight GPUs.

A step takes the next `packs_per_step` packs of the plan, whatever the number of workers, and minimises the mean
cross-entropy over *all* their response tokens: not a mean of means, so neither accumulation nor the number of workers
changes the gradient. Packs are dealt to workers by position; a worker that gets none keeps step with a ghost batch.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import torch

from ray_app.errors import EngineError, InputError
from ray_app.training.config import TrainConfig
from ray_app.training.engine import Engine
from ray_app.training.metrics import MetricsLog, Row, flops, peak_flops, peak_memory_bytes
from ray_app.training.model import Batch, ghost, to_batch
from ray_app.training.pack import Pack
from ray_app.training.prefetch import ahead

STATE_FILE = "state.json"


@dataclass(frozen=True, slots=True)
class Supply:
    """The plan's packs: `packs_from(k)` gives packs k, k+1, ... in order; `fingerprint` names the plan.

    `total` packs hold `samples` samples, repeated ones counted each time.
    """

    total: int
    samples: int
    tasks: tuple[str, ...]
    fill: float
    fingerprint: str
    packs_from: Callable[[int], Iterator[Pack]]
    held_out: tuple[Pack, ...]


@dataclass(slots=True)
class Progress:
    """How far a run has come. What a checkpoint records beside weights and optimizer."""

    step: int = 0
    tokens: int = 0
    world: int = 1
    history: list[Row] = field(default_factory=list)
    packs_per_step: int = 0
    """of the run that wrote the checkpoint: the data goes on after `step` times as many packs"""

    def write(self, directory: Path, model: str, plan: str) -> None:
        record = {"step": self.step, "tokens": self.tokens, "world": self.world, "model": model, "plan": plan}
        record["packs_per_step"] = self.packs_per_step
        (directory / STATE_FILE).write_text(json.dumps(record | {"history": self.history}))

    @staticmethod
    def read(directory: Path, model: str, plan: str) -> "Progress":
        """The progress of a checkpoint; EngineError where it belongs to another model or other data."""
        try:
            record = json.loads((directory / STATE_FILE).read_text())
        except (OSError, ValueError) as error:
            raise EngineError(f"{directory} is no checkpoint of a training run: {error}") from error
        for what, mine, theirs in (("model", model, record["model"]), ("data or mixture", plan, record["plan"])):
            if mine != theirs:
                raise EngineError(
                    f"the checkpoint is of another {what}: it has [{theirs}], this run [{mine}]; use another run_name"
                )
        batch = record.get("packs_per_step", 0)  # of checkpoints that do not say it, any
        return Progress(record["step"], record["tokens"], record["world"], record["history"], batch)

    def continued(self, config: TrainConfig) -> TrainConfig:
        """The config with the batch of the run that wrote this: it says how many packs `step` steps have taken.

        EngineError where the config names another batch. One that was derived from the data gives way: it was rounded
        to the number of workers, which may have changed.
        """
        if self.packs_per_step in (0, config.packs_per_step):
            return config
        if config.samples_per_step:
            return replace(config, packs_per_step=self.packs_per_step)
        raise EngineError(
            f"the checkpoint counts {self.packs_per_step} packs per step, this run {config.packs_per_step}: set "
            f"packs_per_step={self.packs_per_step}, or use another run_name"
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """`stopped` is "" for a complete run, else why it ended early; `best_loss` as the function of that name."""

    step: int
    stopped: str
    best_loss: float | None
    history: list[Row]


def total_steps(config: TrainConfig, packs: int) -> int:
    """Steps of the whole run: every pack once, the last step possibly smaller, at most max_steps."""
    steps = math.ceil(packs / config.packs_per_step)
    return min(steps, config.max_steps) if config.max_steps else steps


def save_interval(config: TrainConfig, steps: int) -> int:
    """Steps from one checkpoint to the next; where the run does not say, there are two in an epoch."""
    return config.save_steps or max(1, round(steps / (2 * config.num_train_epochs)))


def learning_rate_at(step: int, config: TrainConfig, steps: int) -> float:
    """Rate of the 0-based step: linear warm-up, then a cosine that reaches the minimum at the last step."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    span = max(1, steps - 1 - config.warmup_steps)
    cosine = (1 + math.cos(math.pi * min(1.0, (step - config.warmup_steps) / span))) / 2
    return config.min_learning_rate + (config.learning_rate - config.min_learning_rate) * cosine


def dealt(window: Sequence[Pack], rank: int, world: int, micro: int, passes: int) -> list[list[Pack]]:
    """This worker's packs of one step, as `passes` forward passes of at most `micro` packs (the last may be empty)."""
    mine = window[rank::world]
    return [list(mine[k * micro : (k + 1) * micro]) for k in range(passes)]


def fit(
    engine: Engine,
    config: TrainConfig,
    supply: Supply,
    progress: Progress,
    log: MetricsLog,
    save: Callable[[Progress, Row], None],
    say: Callable[[str], None] = print,
) -> Outcome:
    """Train from `progress` to the end of the plan, in place; every worker calls it with equal arguments.

    A fresh run is evaluated before its first step, so every loss curve starts with the untrained model.
    `save(progress, metrics)` is called on every worker at the same steps, always after an evaluation. A loss or
    gradient that is not finite ends the run before anything is saved, with the batch named in `Outcome.stopped`.
    """
    run = _Run(engine, config, supply, progress, log, say)
    if engine.rank == 0:
        each = config.packs_per_step * supply.samples / supply.total
        say(f"{run.steps} steps of {config.packs_per_step} packs, about {each:.0f} samples each")
    if not progress.step and supply.held_out:
        run.evaluate()
    run.start_clock()
    packs = ahead(supply.packs_from(progress.step * config.packs_per_step), 2 * config.packs_per_step)
    while progress.step < run.steps:
        window = list(islice(packs, config.packs_per_step))
        if not window:
            raise EngineError(f"the data ended at step {progress.step} of {run.steps}: the plan does not match it")
        if stopped := run.train_step(window):
            return Outcome(progress.step, stopped, best_loss(progress.history), progress.history)
        last = progress.step == run.steps
        saves = last or progress.step % run.save_interval == 0
        if saves or progress.step % config.eval_steps == 0:
            paused = time.monotonic()
            row = run.evaluate()
            if saves:
                save(progress, row)
            run.mark += time.monotonic() - paused  # tokens/s is the speed of training alone
    return Outcome(progress.step, "", best_loss(progress.history), progress.history)


class _Run:
    """One call of `fit`: what stays the same from step to step."""

    def __init__(
        self,
        engine: Engine,
        config: TrainConfig,
        supply: Supply,
        progress: Progress,
        log: MetricsLog,
        say: Callable[[str], None],
    ) -> None:
        self.engine, self.config, self.supply, self.progress, self.log, self.say = (
            engine,
            config,
            supply,
            progress,
            log,
            say,
        )
        self.steps = total_steps(config, supply.total)
        self.save_interval = save_interval(config, self.steps)
        self.passes = config.accumulation(engine.world)
        self.progress.packs_per_step = config.packs_per_step
        self.peak = peak_flops(engine.device, config.precision)
        self.start_clock()

    def train_step(self, window: Sequence[Pack]) -> str:
        """One optimizer step; "" or, where it could not be finite, what happened and on which batch."""
        engine, tasks = self.engine, self.supply.tasks
        groups = dealt(window, engine.rank, engine.world, self.config.per_device_train_batch_size, self.passes)
        batches = [to_batch(g, tasks, engine.device) if g else ghost(window[0], tasks, engine.device) for g in groups]
        learned = float(engine.total(torch.tensor(float(sum(b.learned for b in batches)))))
        engine.model.train()
        sums = torch.zeros(2, len(tasks), dtype=torch.float64)
        for batch in batches:
            losses = engine.losses(batch)
            scale = engine.world / learned if batch.learned else 0.0
            engine.backward(losses.sum() * scale)
            if batch.learned:
                sums += _per_task(losses.detach(), batch, len(tasks))
            self.mark_flops += flops(engine.model, batch.lengths, batch.learned) if batch.learned else 0.0
        sums = engine.total(sums)
        if not math.isfinite(loss := float(sums[0].sum() / sums[1].sum())):
            return self._blame("loss", loss, window)
        rate = learning_rate_at(self.progress.step, self.config, self.steps)
        if not math.isfinite(norm := engine.step(rate)):
            return self._blame("gradient", norm, window)
        self.progress.step += 1
        self.progress.tokens += sum(len(pack.input_ids) for pack in window)
        if self.progress.step % self.config.logging_steps == 0 or self.progress.step == self.steps:
            self._log_train(sums, rate, norm)
        return ""

    def start_clock(self) -> None:
        """Speed and remaining time are reckoned from here."""
        self.began, self.began_step = time.monotonic(), self.progress.step
        self.mark, self.mark_tokens, self.mark_flops = self.began, self.progress.tokens, 0.0

    @torch.no_grad()
    def evaluate(self) -> Row:
        """Losses on the held-out packs, per task and over all their tokens; an empty row where there are none."""
        engine, held_out, tasks = self.engine, self.supply.held_out, self.supply.tasks
        engine.model.eval()
        sums = torch.zeros(2, len(tasks), dtype=torch.float64)
        for start in range(0, len(held_out), engine.world):
            mine = held_out[start + engine.rank : start + engine.rank + 1]
            batch = to_batch(mine, tasks, engine.device) if mine else ghost(held_out[0], tasks, engine.device)
            losses = engine.losses(batch)
            if batch.learned:
                sums += _per_task(losses, batch, len(tasks))
        row: Row = {"step": self.progress.step, "kind": "eval"} | self._losses(engine.total(sums))
        self._keep(row)
        return row

    def _log_train(self, sums: torch.Tensor, rate: float, norm: float) -> None:
        now = time.monotonic()
        seconds = max(now - self.mark, 1e-9)
        done = self.progress.step - self.began_step
        row: Row = {
            "step": self.progress.step,
            "kind": "train",
            "learning_rate": rate,
            "grad_norm": norm,
            "tokens": self.progress.tokens,
            "tokens_per_s": round((self.progress.tokens - self.mark_tokens) / seconds, 1),
            "fill": round(self.supply.fill, 4),
            **({"mfu": round(self.mark_flops / seconds / self.peak, 4)} if self.peak else {}),
            "memory_bytes": peak_memory_bytes(self.engine.device),
            "eta_s": round((now - self.began) / done * (self.steps - self.progress.step)),
        } | self._losses(sums)
        self.mark, self.mark_tokens, self.mark_flops = now, self.progress.tokens, 0.0
        self._keep(row)

    def _keep(self, row: Row) -> None:
        self.progress.history.append(row)
        if self.engine.rank == 0:
            self.log.add(row)
            self.say(line(row, self.steps))

    def _losses(self, sums: torch.Tensor) -> Row:
        row: Row = {}
        if float(sums[1].sum()):
            row["loss"] = float(sums[0].sum() / sums[1].sum())
        for task, total, count in zip(self.supply.tasks, sums[0].tolist(), sums[1].tolist(), strict=True):
            if count:
                row[f"loss/{task}"] = total / count
        return row

    def _blame(self, what: str, value: float, window: Sequence[Pack]) -> str:
        samples = ", ".join(islice((i for pack in window for i in pack.ids), 8))
        packs = f"packs {window[0].index} to {window[-1].index}"
        return (
            f"the {what} became {value} at step {self.progress.step + 1} ({packs}, samples {samples}, ...): "
            "the last checkpoint is kept; lower learning_rate or inspect these samples"
        )


def line(row: Row, steps: int) -> str:
    """One readable log line: it survives log forwarding, where a redrawn bar would not."""
    losses = "  ".join(f"{name} {value:.4f}" for name, value in row.items() if name.startswith("loss"))
    if row["kind"] == "eval":
        return f"step {row['step']}/{steps}  held-out  {losses or 'no held-out samples'}"
    minutes, seconds = divmod(int(row["eta_s"]), 60)
    mfu = f"mfu {row['mfu']:.1%}  " if "mfu" in row else ""
    return (
        f"step {row['step']}/{steps}  {losses}  lr {row['learning_rate']:.2e}  {row['tokens_per_s']:.0f} tok/s  "
        f"{mfu}eta {minutes}:{seconds:02d}"
    )


def check_supply(supply: Supply) -> None:
    """InputError where there is nothing to train on."""
    if not supply.total:
        raise InputError("no training samples: the mixture is empty, or every sample was rejected")


def _per_task(losses: torch.Tensor, batch: Batch, tasks: int) -> torch.Tensor:
    """(2, tasks): sum and number of the losses of each task, fp64 on the CPU."""
    sums = torch.zeros(2, tasks, dtype=torch.float64)
    ids = batch.task_ids.cpu()
    sums[0].index_add_(0, ids, losses.double().cpu())
    sums[1].index_add_(0, ids, torch.ones(len(ids), dtype=torch.float64))
    return sums


def best_loss(history: Sequence[Row]) -> float | None:
    """The lowest evaluation loss after a step; what the model lost before training does not count."""
    losses = [row["loss"] for row in history if row["kind"] == "eval" and row["step"] and "loss" in row]
    return min(losses, default=None)
