"""Training on Ray: the same run as without Ray, exported, resumed, and alive after `kill -9` of a worker."""

import contextlib
import dataclasses
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
import ray
import torch

from ray_app.errors import EngineError, InputError
from ray_app.records import Sample, to_table
from ray_app.training import local, metrics
from ray_app.training.config import TrainConfig
from ray_app.training.export import content_of, logit_difference, trained
from ray_app.training.trainer import train
from tests.training.training_kit import build_samples

Make = Callable[..., TrainConfig]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray.init(
        address="local",
        num_cpus=2,
        object_store_memory=100_000_000,
        include_dashboard=False,
        log_to_driver=False,
    )
    yield
    ray.shutdown()


@pytest.fixture
def shards(tmp_path: Path) -> list[str]:
    """Two Parquet files; one sample lies in both, one teaches nothing."""
    rows = build_samples(60, held_out=10)
    empty = dataclasses.replace(rows[0], id="empty", response="")
    for name, part in (("a", rows[:30]), ("b", [*rows[29:], empty])):
        pq.write_table(to_table(Sample, part), tmp_path / f"{name}.parquet")
    return [str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")]


def train_losses(history: list[metrics.Row]) -> dict[int, float]:
    return {row["step"]: row["loss"] for row in history if row["kind"] == "train"}


def test_train_on_ray_equals_training_without_ray_and_exports(
    cluster: None, make_config: Make, shards: list[str], tmp_path: Path
) -> None:
    config = make_config(num_workers=2, packs_per_step=4, max_steps=6, report_to=("tensorboard",))
    said: list[str] = []
    result = train(config, shards, export_to=str(tmp_path / "hf"), card={"data": {"rows": 60}}, say=said.append)

    alone = dataclasses.replace(config, num_workers=1, storage_path=str(tmp_path / "alone"))
    plain = local.train(alone, build_samples(60, held_out=10), torch.device("cpu"))
    assert train_losses(result.outcome.history) == pytest.approx(train_losses(plain.history), rel=1e-5)
    assert result.outcome.best_loss == pytest.approx(plain.best_loss, rel=1e-5)
    assert (result.documents, result.rejects) == (60, {"no-response-tokens": 1})
    assert "60 samples" in said[0]

    assert metrics.read(Path(result.metrics)) == result.outcome.history
    assert list((Path(result.path) / "logs").glob("events.*"))
    assert result.content == content_of(tmp_path / "hf")
    assert logit_difference(trained(Path(result.best), config), tmp_path / "hf") < 1e-5
    assert '"rows": 60' in (tmp_path / "hf" / "README.md").read_text()


def test_train_empty_mixture_fails_before_any_worker_starts(
    cluster: None, make_config: Make, shards: list[str]
) -> None:
    with pytest.raises(InputError, match=r"selects no sample.*forward, output"):
        train(make_config(mixture=(("repair", 1.0),)), shards)


@pytest.mark.slow
@pytest.mark.parametrize("stage", [2, 3])
def test_train_killed_job_resumes_also_on_other_workers(
    cluster: None, make_config: Make, shards: list[str], stage: int
) -> None:
    half = make_config(
        zero_stage=stage, num_workers=2, packs_per_step=4, num_train_epochs=3, max_steps=4, warmup_steps=99
    )
    train(half, shards)
    resumed = train(dataclasses.replace(half, max_steps=8, num_workers=1), shards)
    whole = train(dataclasses.replace(half, max_steps=8, run_name="whole"), shards)
    assert train_losses(resumed.outcome.history) == pytest.approx(train_losses(whole.outcome.history), rel=1e-5)
    assert sorted(train_losses(metrics.read(Path(resumed.metrics)))) == list(range(1, 9))


@pytest.mark.slow
def test_train_worker_killed_with_sigkill_finishes_with_the_same_losses(
    cluster: None, make_config: Make, shards: list[str]
) -> None:
    config = make_config(
        num_workers=2, packs_per_step=2, num_train_epochs=12, save_steps=10, eval_steps=1000, max_failures=2
    )
    killed: list[int] = []

    def kill_one_worker_after_the_first_checkpoint() -> None:
        path = Path(config.storage_path) / config.run_name
        while not list(path.glob("step_*/state.json")):
            time.sleep(0.2)
        for process in psutil.process_iter(["cmdline"]):
            with contextlib.suppress(psutil.Error):
                ours = os.getpid() in [parent.pid for parent in process.parents()]
                if ours and "RayTrainWorker" in " ".join(process.info["cmdline"] or []):
                    os.kill(process.pid, signal.SIGKILL)
                    killed.append(process.pid)
                    return

    killer = threading.Thread(target=kill_one_worker_after_the_first_checkpoint, daemon=True)
    killer.start()
    result = train(config, shards)
    killer.join(timeout=5)
    assert len(killed) == 1
    alone = dataclasses.replace(config, num_workers=1, run_name="alone")
    plain = local.train(alone, build_samples(60, held_out=10), torch.device("cpu"))
    assert train_losses(result.outcome.history) == pytest.approx(train_losses(plain.history), rel=1e-4)


@pytest.mark.slow
def test_train_checkpoint_of_other_data_is_refused_by_name(cluster: None, make_config: Make, shards: list[str]) -> None:
    config = make_config(max_steps=4)
    train(config, shards)
    with pytest.raises(EngineError, match=r"another data or mixture.*run_name"):
        train(dataclasses.replace(config, seed=8), shards)
