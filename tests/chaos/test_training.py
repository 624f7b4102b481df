"""Kill training workers at random moments after the first checkpoint: the loss curve must be the undisturbed one."""

import dataclasses
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
from tests.processes import command
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


class Deadly(str):
    """A text that kills the first training worker that unpickles it: it dies between its start and its first step."""

    def __new__(cls, text: str, killed: Path) -> "Deadly":
        made = super().__new__(cls, text)
        made.killed = killed
        return made

    killed: Path

    def __reduce__(self) -> tuple[Any, ...]:
        return _kill_once, (str(self), self.killed)


def _kill_once(text: str, killed: Path) -> str:
    if "RayTrainWorker" in command(psutil.Process()) and not killed.exists():
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return text


def test_training_survives_kill_9_of_a_worker_that_is_about_to_start(
    cluster: None,
    make_config: Callable[..., TrainConfig],  # noqa: F811
    model_path: Path,  # noqa: F811
    tmp_path: Path,
    record: Callable[[str, int, str], None],
) -> None:
    """Ray Train itself gives up then; whoever asked for `max_failures` restarts wants one here too."""
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    samples = build_samples(20, held_out=4)
    pq.write_table(to_table(Sample, samples), tmp_path / "samples.parquet")
    killed = tmp_path / "killed"
    config = make_config(model=Deadly(str(model_path), killed), num_workers=1, max_steps=4, max_failures=1)
    result = train(config, [str(tmp_path / "samples.parquet")])
    assert killed.exists()
    safe = dataclasses.replace(config, model=str(model_path), run_name="alone")
    plain = local.train(safe, samples, torch.device("cpu"))
    assert train_losses(result.outcome.history) == pytest.approx(train_losses(plain.history), rel=1e-4)
    record("kill -9 of a training worker that starts", 1, "started again; loss curve equal (1e-4)")
