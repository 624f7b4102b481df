"""Kill training workers at random moments after the first checkpoint: the loss curve must be the undisturbed one."""

import dataclasses
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
import ray
import torch

from ray_app.records import Sample, to_table
from ray_app.training import local
from ray_app.training.config import TrainConfig
from ray_app.training.trainer import train
from tests.chaos.monkey import actors, killing
from tests.training.conftest import make_config, model_path  # noqa: F401
from tests.training.test_trainer import train_losses
from tests.training.training_kit import build_samples

PARTS = 4
"""the kills are spread over this many runs, each short enough for a machine that others use too"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray.init(address="local", num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.parametrize("part", range(PARTS))
def test_training_survives_kill_9_of_its_workers(
    part: int,
    cluster: None,
    make_config: Callable[..., TrainConfig],  # noqa: F811
    tmp_path: Path,
    kills: int,
    dice: random.Random,
    record: Callable[[str, int, str], None],
) -> None:
    times = max(1, kills // PARTS)
    samples = build_samples(60, held_out=10)
    pq.write_table(to_table(Sample, samples), tmp_path / "samples.parquet")
    config = make_config(
        num_workers=1, packs_per_step=2, num_train_epochs=30, save_steps=10, eval_steps=1000, max_failures=times + 2
    )
    workers = actors("RayTrainWorker")
    folder = Path(config.storage_path) / config.run_name
    killed: list[int] = []
    seen: list[Path] = []

    def after_a_new_checkpoint() -> list[psutil.Process]:
        """Each kill waits for a checkpoint of the worker that it hits, so that the run gets on between them."""
        steps = sorted(folder.glob("step_*/state.json"))
        found = workers()
        if not steps or (seen and steps[-1] == seen[-1]) or not found:
            return []
        seen.append(steps[-1])
        return found

    with killing(after_a_new_checkpoint, times, dice, (0.0, 0.5), killed):
        result = train(config, [str(tmp_path / "samples.parquet")])
    assert len(killed) == times
    plain = local.train(dataclasses.replace(config, run_name="alone"), samples, torch.device("cpu"))
    assert train_losses(result.outcome.history) == pytest.approx(train_losses(plain.history), rel=1e-4)
    record("kill -9 of a training worker", len(killed), "resumes from its last checkpoint; loss curve equal (1e-4)")
