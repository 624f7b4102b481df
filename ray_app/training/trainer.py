"""Training on Ray: tokenize and plan with Ray Data, stream packs into the workers of a TorchTrainer, keep checkpoints.

The only file of this room that imports Ray. Every worker reads the packs in plan order and takes its own by position,
so the order does not depend on scheduling or on the number of workers, and a resumed run goes on at the exact pack.
"""

import functools
import hashlib
import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import psutil
import pyarrow as pa
import ray
import ray.data
import ray.train
import torch
from ray.exceptions import RayError
from ray.train.torch import TorchConfig, TorchTrainer, get_device

from ray_app import store, telemetry
from ray_app.errors import EngineError, SemrayError
from ray_app.runner import call
from ray_app.training import memory, table
from ray_app.training.config import TrainConfig
from ray_app.training.export import publish
from ray_app.training.loop import Outcome, Progress, Supply, check_supply, fit
from ray_app.training.metrics import MetricsLog, Row, sinks
from ray_app.training.model import check_context, identity, load_config, load_tokenizer
from ray_app.training.pack import Item, Pack, Plan, chosen, plan

METRICS_FILE = "metrics.jsonl"
_READ_ROWS = 64


@dataclass(frozen=True, slots=True)
class TrainResult:
    """A finished run. `content` is the hash of the exported weights of the best checkpoint; "" if export is off.

    `metrics` is the path of the history as JSON lines; `documents`, `cut` and `rejects` say what became of the data.
    """

    outcome: Outcome
    path: str
    metrics: str
    last: str
    best: str
    content: str
    documents: int
    cut: int
    rejects: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Data:
    """Tokenized documents in plan order, with columns `pack` and `slot`, and what the workers need to know of them."""

    train: ray.data.Dataset
    held_out: ray.data.Dataset | None
    plan: Plan
    tasks: tuple[str, ...]
    documents: int
    cut: int
    rejects: dict[str, int]


def train(
    config: TrainConfig,
    dataset: ray.data.Dataset | Sequence[str],
    *,
    export_to: str = "",
    card: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = print,
) -> TrainResult:
    """Train on rows of `records.Sample` (a Dataset, or paths of Parquet files); needs an initialised Ray.

    The driver's machine needs no model, no memory and no disk of its own: what needs them is done where workers run.
    `export_to` is the path (of a volume that nodes share) or URI of the Hugging Face directory to be made.
    Called again with the same config and data after a kill, it goes on from the last checkpoint; a dead worker is
    replaced up to `max_failures` times. Raises InputError for data or numbers that cannot work, before any worker
    starts, and EngineError where training had to stop.
    """
    os.environ.setdefault("RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", "300")
    ray.data.DataContext.get_current().enable_progress_bars = False
    call(_check_model, config)
    data = _prepared(config, _opened(dataset))
    say(
        f"training data: {data.documents} samples in {len(data.plan.bins)} packs, {data.plan.fill:.1%} full; "
        f"{data.cut} cut at {config.max_length} tokens, rejected: {data.rejects or 'none'}"
    )
    result = _fit(config.sized(sum(map(len, data.plan.bins)), len(data.plan.bins)), data)
    answer: dict[str, Any] = result.return_value or {"stopped": f"the workers ended without a result: {result.error}"}
    if answer["stopped"]:
        raise EngineError(answer["stopped"])
    outcome = Outcome(answer["step"], "", answer["best_loss"], answer["history"])
    last, best = _checkpoints(result)
    root = f"{config.storage_path.rstrip('/')}/{config.run_name}"
    content = call(_exported, best, config, export_to, dict(card or {}), **_beside(config)) if export_to else ""
    return TrainResult(
        outcome, root, f"{root}/{METRICS_FILE}", last.path, best.path, content, data.documents, data.cut, data.rejects
    )


def _beside(config: TrainConfig) -> dict[str, float]:
    """What to ask for in order to be where workers of this run were."""
    return {"num_cpus": config.cpus_per_worker, "num_gpus": float(config.use_gpu)}


def _check_model(config: TrainConfig) -> None:
    load_tokenizer(config)
    check_context(config, load_config(config))


def _opened(dataset: ray.data.Dataset | Sequence[str]) -> ray.data.Dataset:
    if isinstance(dataset, ray.data.Dataset):
        return dataset
    # The newer reader starts actors at every execution; the older one opens small files in a fraction of the time.
    ray.data.DataContext.get_current().use_datasource_v2 = False
    return ray.data.read_parquet(list(dataset))


def _prepared(config: TrainConfig, rows: ray.data.Dataset) -> _Data:
    """Tokenize every row once, plan on the driver from lengths alone, and sort the documents into plan order."""
    tokenize = functools.partial(table.tokenize, config)
    documents = rows.map_batches(tokenize, batch_format="pyarrow", batch_size=256, zero_copy_batch=True).materialize()
    items, cut, rejects = table.summary(_light(documents))
    items["held_out"] = chosen(items["held_out"], config.eval_samples)
    plans = {
        "train": plan(
            items["train"],
            mixture=config.mixture,
            capacity=config.max_length,
            epochs=config.num_train_epochs,
            curriculum=config.curriculum,
            seed=config.seed,
        )
    }
    if items["held_out"]:
        every = [(task, 1.0) for task in {item.task for item in items["held_out"]}]
        plans["held_out"] = plan(
            items["held_out"], mixture=every, capacity=config.max_length, epochs=1, curriculum=0.0, seed=0
        )
    placed = {split: _placed(documents, split, items[split], made) for split, made in plans.items()}
    everything = [*items["train"], *items["held_out"]]
    return _Data(
        placed["train"],
        placed.get("held_out"),
        plans["train"],
        tuple(sorted({item.task for item in everything})),
        len(everything),
        cut,
        rejects,
    )


def _light(documents: ray.data.Dataset) -> Iterator[dict[str, Any]]:
    """What planning needs of each document: everything but its tokens."""
    columns = documents.select_columns([name for name in table.SCHEMA.names if name != "input_ids"])
    for batch in columns.iter_batches(batch_size=4096, batch_format="pyarrow"):
        yield from cast(pa.Table, batch).to_pylist()


def _placed(documents: ray.data.Dataset, split: str, items: Sequence[Item], made: Plan) -> ray.data.Dataset:
    """The split's documents, one row per place in the plan, sorted by place."""
    places: dict[str, list[tuple[int, int]]] = {}
    for pack, members in enumerate(made.bins):
        for slot, member in enumerate(members):
            places.setdefault(items[member].id, []).append((pack, slot))
    place = functools.partial(_place, split=split, places=ray.put(places))
    rows = documents.map_batches(place, batch_format="pyarrow", batch_size=256)
    return rows.sort(["pack", "slot"]).materialize()


def _place(rows: pa.Table, split: str, places: Any) -> pa.Table:
    return table.place(rows, split, ray.get(places))


def _fit(config: TrainConfig, data: _Data) -> ray.train.Result:
    """The finished run. Ray Train itself restarts workers that die at work, but gives up over one that dies while its
    group starts: then it is asked again, and goes on from the last checkpoint."""
    for restarts_left in reversed(range(config.max_failures + 1)):
        try:
            return _trainer(config, data).fit()
        except ray.train.TrainingFailedError as error:
            at_the_start = isinstance(getattr(error, "controller_failure", None), RayError)
            if at_the_start and restarts_left:
                continue
            reason = str(error).strip().splitlines()[-1]
            raise EngineError(
                f"training failed after {config.max_failures} restarts: {reason}; rerun to resume from the last "
                "checkpoint"
            ) from error
    raise AssertionError("unreachable: the last attempt returns or raises")


_TorchBackend: Any = TorchConfig().backend_cls


class _NodesNetwork(TorchConfig):
    """PyTorch's process group, whose workers find each other by the addresses that Ray knows them by."""

    @property
    def backend_cls(self) -> Any:
        return _OnNodesNetwork


class _OnNodesNetwork(_TorchBackend):
    def on_start(self, worker_group: Any, backend_config: TorchConfig) -> None:
        worker_group.execute(_name_the_interface)
        super().on_start(worker_group, backend_config)


def _name_the_interface() -> None:
    """Gloo tells others the address of this machine's host name, which on Debian is one of the loopback."""
    address = ray.util.get_node_ip_address()
    for name, found in psutil.net_if_addrs().items():
        if any(one.address == address for one in found):
            os.environ.setdefault("GLOO_SOCKET_IFNAME", name)


def _trainer(config: TrainConfig, data: _Data) -> TorchTrainer:
    scored = data.held_out is not None
    datasets: dict[str, Any] = {"train": data.train} | ({"held_out": data.held_out} if scored else {})
    options = ray.data.ExecutionOptions(preserve_order=True)
    storage = store.open_root(config.storage_path)
    return TorchTrainer(
        _worker,
        train_loop_config={
            "config": config,
            "total": len(data.plan.bins),
            "samples": sum(map(len, data.plan.bins)),
            "fill": data.plan.fill,
            "fingerprint": data.plan.fingerprint,
            "tasks": data.tasks,
            "held_out": scored,
        },
        torch_config=_NodesNetwork(),
        scaling_config=ray.train.ScalingConfig(
            num_workers=config.num_workers,
            use_gpu=config.use_gpu,
            resources_per_worker={"CPU": config.cpus_per_worker} | ({"GPU": 1} if config.use_gpu else {}),
        ),
        run_config=ray.train.RunConfig(
            name=config.run_name,
            storage_path=storage,
            failure_config=ray.train.FailureConfig(max_failures=config.max_failures),
            checkpoint_config=ray.train.CheckpointConfig(
                num_to_keep=1,  # the best one; the latest is always kept beside it
                checkpoint_score_attribute="eval_loss" if scored else None,
                checkpoint_score_order="min",
            ),
        ),
        datasets=datasets,
        dataset_config=ray.train.DataConfig(datasets_to_split=[], execution_options=options),
    )


def _worker(job: dict[str, Any]) -> dict[str, Any]:
    """One worker of the group. Errors that a restart cannot cure are returned: raising would restart everyone."""
    warnings.filterwarnings("ignore", category=FutureWarning, module="torch.distributed")
    config: TrainConfig = job["config"]
    torch.set_num_threads(config.cpus_per_worker)
    torch.manual_seed(config.seed)
    try:
        outcome = _train_on_this_worker(config, job)
    except SemrayError as error:
        return {"stopped": str(error)}
    return asdict(outcome)


def _train_on_this_worker(config: TrainConfig, job: dict[str, Any]) -> Outcome:
    from ray_app.training.deepspeed import DeepSpeedEngine

    context = ray.train.get_context()
    device = get_device()
    model_config = load_config(config)
    who = identity(model_config)
    need = memory.check(
        config, model_config, context.get_world_size(), memory.available_bytes(device, context.get_local_world_size())
    )
    rank0 = context.get_world_rank() == 0
    if rank0:
        _say(f"memory estimate: {need}")
    supply = _supply(job)
    check_supply(supply)
    progress, found = Progress(), ray.train.get_checkpoint()
    if found is None:
        engine = DeepSpeedEngine(config, device)
    else:
        with found.as_directory() as folder:
            progress = Progress.read(Path(folder), who, supply.fingerprint)
            config = progress.continued(config)
            engine = DeepSpeedEngine(config, device, resume=Path(folder), saved_world=progress.world)
    progress.world = engine.world
    root = f"{config.storage_path.rstrip('/')}/{config.run_name}"
    log = MetricsLog(
        lambda text: store.write_file(f"{root}/{METRICS_FILE}", text.encode()),
        (*sinks(config, f"{root}/logs"), telemetry.TrainingGauges(config.run_name)) if rank0 else (),
        progress.history,
    )

    scratch = _Scratch(config, context.get_world_rank())

    def save(at: Progress, row: Row) -> None:
        # Training goes on as soon as this worker's share lies on its own disk. The checkpoint counts, and is what a
        # killed run goes on from, once every worker's share has arrived in storage_path.
        folder = scratch.folder()
        engine.save(folder)
        if rank0:
            at.write(folder, who, supply.fingerprint)
        metrics = {"step": at.step} | ({"eval_loss": row["loss"]} if "loss" in row else {})
        ray.train.report(
            metrics,
            checkpoint=ray.train.Checkpoint.from_directory(folder),
            checkpoint_dir_name=f"step_{at.step:06d}_of_{engine.world}_workers",
            checkpoint_upload_mode=ray.train.CheckpointUploadMode.ASYNC,
            delete_local_checkpoint_after_upload=True,
        )

    if rank0 and progress.step:
        _say(f"resuming at step {progress.step}")
    return fit(engine, config, supply, progress, log, save, _say)


class _Scratch:
    """Folders for checkpoints of one worker on a disk of its machine; what a killed worker left there is removed."""

    def __init__(self, config: TrainConfig, rank: int) -> None:
        run = hashlib.sha256(f"{config.storage_path}/{config.run_name}".encode()).hexdigest()[:12]
        self._prefix, self._place = f"semray-{run}-{rank}-", config.scratch or tempfile.gettempdir()
        for left in Path(self._place).glob(f"{self._prefix}*"):
            shutil.rmtree(left, ignore_errors=True)

    def folder(self) -> Path:
        """A new one; EngineError where there is no place for it."""
        try:
            return Path(tempfile.mkdtemp(prefix=self._prefix, dir=self._place))
        except OSError as error:
            raise EngineError(
                f"no room for checkpoints in {self._place}: {error}; set scratch to a folder that is on every machine "
                "that trains"
            ) from error


def _say(text: str) -> None:
    """To the worker's stdout, which Ray forwards; `print` is patched by Ray Train and would show each line twice."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _supply(job: dict[str, Any]) -> Supply:
    held_out = tuple(table.packs(_stream("held_out"))) if job["held_out"] else ()

    def packs_from(first: int) -> Iterator[Pack]:
        return table.packs(_stream("train"), first)

    known = {name: job[name] for name in ("total", "samples", "tasks", "fill", "fingerprint")}
    return Supply(**known, packs_from=packs_from, held_out=held_out)


def _stream(name: str) -> Iterator[dict[str, Any]]:
    shard = cast(ray.data.DataIterator, ray.train.get_dataset_shard(name))
    for batch in shard.iter_batches(batch_size=_READ_ROWS, batch_format="pyarrow", prefetch_batches=1):
        yield from cast(pa.Table, batch).to_pylist()


def _checkpoints(result: ray.train.Result) -> tuple[ray.train.Checkpoint, ray.train.Checkpoint]:
    """(last, best): the best has the lowest held-out loss; without held-out data it is the last."""
    if result.checkpoint is None:
        raise EngineError("the run kept no checkpoint: lower save_steps")
    scored = [(m["eval_loss"], c) for c, m in result.best_checkpoints or [] if "eval_loss" in m]
    return result.checkpoint, min(scored, key=lambda pair: pair[0])[1] if scored else result.checkpoint


def _exported(best: ray.train.Checkpoint, config: TrainConfig, place: str, card: dict[str, Any]) -> str:
    """The hash of the weights of the model at `place`. Runs on a node like those that trained."""
    memory.check_export(config, load_config(config))
    with best.as_directory() as folder:
        state = json.loads((Path(folder) / "state.json").read_text())
        return publish(Path(folder), config, place, {"training": {"step": state["step"]}, **card})
