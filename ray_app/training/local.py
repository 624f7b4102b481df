"""Training on one device without Ray or DeepSpeed: for a bare GPU box, for tests, and as the benchmarks' yardstick."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ray_app.errors import EngineError
from ray_app.records import Reject, Sample
from ray_app.store import write_file
from ray_app.training import memory
from ray_app.training.config import TrainConfig
from ray_app.training.engine import PlainEngine
from ray_app.training.loop import Outcome, Progress, Supply, best_loss, check_supply, fit
from ray_app.training.metrics import MetricsLog, Row, sinks
from ray_app.training.model import identity, load_config, load_model, load_tokenizer
from ray_app.training.pack import Pack, assemble, chosen, item, plan
from ray_app.training.tokenize import Document, encode

METRICS_FILE = "metrics.jsonl"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The data of a run, tokenized and planned; `cut` documents lost `cut_tokens` tokens, `rejects` gave nothing."""

    supply: Supply
    documents: int
    cut: int
    cut_tokens: int
    rejects: tuple[Reject, ...]


def prepare(rows: Iterable[Sample], config: TrainConfig) -> Prepared:
    """Tokenize and pack in memory: for data that fits one machine. The Ray trainer makes the same plan, streamed."""
    tokenizer = load_tokenizer(config)
    train: list[Document] = []
    held_out: list[Document] = []
    rejects: list[Reject] = []
    unique = {row.id: row for row in rows}
    for row, made in zip(
        unique.values(), encode(unique.values(), tokenizer, config.prompt_style, config.max_length), strict=True
    ):
        if isinstance(made, Reject):
            rejects.append(made)
        else:
            (held_out if row.split == "held_out" else train).append(made)
    held_out = chosen(held_out, config.eval_samples)
    cut = [document.cut for document in (*train, *held_out) if document.cut]
    return Prepared(supply(train, held_out, config), len(train) + len(held_out), len(cut), sum(cut), tuple(rejects))


def supply(train: Sequence[Document], held_out: Sequence[Document], config: TrainConfig) -> Supply:
    """The packs of these documents in the order of the run's plan."""
    made = plan(
        [item(document) for document in train],
        mixture=config.mixture,
        capacity=config.max_length,
        epochs=config.num_train_epochs,
        curriculum=config.curriculum,
        seed=config.seed,
    )

    def packs_from(first: int) -> Iterator[Pack]:
        for index in range(first, len(made.bins)):
            yield assemble(index, [train[i] for i in made.bins[index]])

    tasks = tuple(sorted({document.task for document in (*train, *held_out)}))
    return Supply(
        total=len(made.bins),
        samples=sum(map(len, made.bins)),
        tasks=tasks,
        fill=made.fill,
        fingerprint=made.fingerprint,
        packs_from=packs_from,
        held_out=held_out_packs(held_out, config.max_length),
    )


def held_out_packs(documents: Sequence[Document], capacity: int) -> tuple[Pack, ...]:
    """All held-out documents, each once, packed in a fixed order."""
    if not documents:
        return ()
    weights = [(task, 1.0) for task in {document.task for document in documents}]
    made = plan(
        [item(document) for document in documents],
        mixture=weights,
        capacity=capacity,
        epochs=1,
        curriculum=0.0,
        seed=0,
    )
    return tuple(assemble(k, [documents[i] for i in members]) for k, members in enumerate(made.bins))


def train(config: TrainConfig, rows: Iterable[Sample], device: torch.device) -> Outcome:
    """Train on one device; resumes from storage_path/run_name/last where that exists.

    Writes `last` and `best` (lowest held-out loss, if there is one) checkpoints and metrics.jsonl there. EngineError
    where the loss stops being finite: the checkpoints written so far stay.
    """
    root = Path(config.storage_path) / config.run_name
    root.mkdir(parents=True, exist_ok=True)
    prepared = prepare(rows, config)
    check_supply(prepared.supply)
    config = config.sized(prepared.supply.samples, prepared.supply.total)
    torch.manual_seed(config.seed)
    need = memory.check(config, load_config(config), 1, memory.available_bytes(device, 1), plain=True)
    print(f"memory estimate: {need}")
    model = load_model(config, device)
    who, plan_id = identity(model.config), prepared.supply.fingerprint
    engine = PlainEngine(model, config, device)
    progress = Progress()
    if (root / "last").is_dir():
        progress = Progress.read(root / "last", who, plan_id)
        config = progress.continued(config)
        engine.load(root / "last")

    def save(at: Progress, row: Row) -> None:
        _replace(root / "last", lambda to: (engine.save(to), at.write(to, who, plan_id)))
        if row.get("loss") == best_loss(at.history):  # both None without held-out samples: then the last is the best
            _replace(root / "best", lambda to: shutil.copytree(root / "last", to, dirs_exist_ok=True))

    log = MetricsLog(
        lambda text: write_file(str(root / METRICS_FILE), text.encode()),
        sinks(config, str(root / "logs")),
        progress.history,
    )
    outcome = fit(engine, config, prepared.supply, progress, log, save)
    if outcome.stopped:
        raise EngineError(outcome.stopped)
    return outcome


def _replace(target: Path, write: Callable[[Path], object]) -> None:
    """Fill a new directory and put it in `target`'s place, so that a kill leaves the old or the new one, never half."""
    fresh, old = target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.mkdir()
    write(fresh)
    if target.is_dir():
        os.replace(target, old)
    os.replace(fresh, target)
    shutil.rmtree(old, ignore_errors=True)
