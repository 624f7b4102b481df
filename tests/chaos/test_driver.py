"""Kill the driver of a job at random moments of every stage; the next one resumes until the stage is complete."""

import multiprocessing
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from cluster.session import connect
from pipelines.synthesize import synthesize
from ray_app.lock import held
from ray_app.store import Dataset
from tests.chaos import kit
from tests.pipelines.tiny import tiny
from tests.processes import wait_for

FOLLOWERS = ("monologues", "repairs", "samples", "samples-nl", "samples-repair")
STAGES = {
    "mined": ("mined",),
    "grown": ("grown",),
    **{stage: (stage,) for stage in ("signatures", "pairs", "twins", "programs")},
    "executions": ("executions", *FOLLOWERS),
    **{stage: (stage,) for stage in FOLLOWERS[:3]},
}
"""At which stage the driver is killed: what has to be there in the end. The followers alone: what they follow is."""
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster that outlives its drivers."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "object_store_memory": 100_000_000})
    yield cluster.address
    cluster.shutdown()


def drive(root: str, address: str) -> None:
    """What `pipelines.synthesize` does, in a process of its own; its log is beside the root."""
    os.environ["RAY_ADDRESS"] = address
    with Path(f"{root}.log").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    with held(root, "driver"), connect():
        synthesize(tiny(), root)


def start(root: Path, address: str) -> BaseProcess:
    """A new driver, forked where everything is imported already: that is most of what starting one takes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    driver = context.Process(target=drive, args=(str(root), address))
    driver.start()
    return driver


@pytest.fixture(scope="module")
def quiet(address: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an undisturbed run makes."""
    root = tmp_path_factory.mktemp("quiet")
    driver = start(root, address)
    driver.join()
    assert driver.exitcode == 0, Path(f"{root}.log").read_text()[-2000:]
    return root


def before(stage: str, quiet: Path, root: Path) -> None:
    """A root in which everything that began before `stage` is complete already."""
    began = (quiet / stage / "plan.json").stat().st_mtime_ns
    for folder in quiet.iterdir():
        if (folder / "plan.json").is_file() and (folder / "plan.json").stat().st_mtime_ns < began:
            shutil.copytree(folder, root / folder.name)


def kill_once(dataset: Dataset, address: str, dice: random.Random) -> bool:
    """Start the job and kill it while it works on the dataset; False if it ended before.

    Half of the moments are counted from the first new shard, as starting a stage takes longer than its work.
    """
    seen = len(dataset.finished_shards())
    driver = start(Path(dataset.root), address)

    def reached() -> bool:
        return dataset.plan() is not None or not driver.is_alive()

    def advanced() -> bool:
        return len(dataset.finished_shards()) > seen or not driver.is_alive()

    wait_for(reached, f"{dataset.name} begins", PATIENCE_S)
    if dice.random() < 0.5:
        wait_for(advanced, f"{dataset.name} makes a shard", PATIENCE_S)
    driver.join(dice.uniform(0.0, 4.0))
    early = driver.is_alive()
    driver.kill()
    driver.join()
    assert driver.exitcode in (0, -signal.SIGKILL), Path(f"{dataset.root}.log").read_text()[-2000:]
    return early


@pytest.mark.parametrize("stage", STAGES)
def test_job_resumes_after_kill_9_of_its_driver(
    stage: str,
    address: str,
    quiet: Path,
    tmp_path: Path,
    kills: int,
    dice: random.Random,
    record: Callable[[str, int, str], None],
) -> None:
    def made(root: Path) -> dict[str, bytes]:
        return {name: data for name, data in kit.shards(root).items() if name.split("/")[0] in STAGES[stage]}

    wanted = made(quiet)
    assert {name.split("/")[0] for name in wanted} == set(STAGES[stage])
    killed: list[int] = []

    def job_killed_until_the_stage_is_complete(number: int) -> None:
        root = tmp_path / str(number)
        before(stage, quiet, root)
        while any(Dataset(str(root), name).manifest() is None for name in STAGES[stage]):
            if kill_once(Dataset(str(root), stage), address, dice):
                killed.append(number)
        assert made(root) == wanted
        shutil.rmtree(root)

    kit.until(lambda: len(killed) >= kills, job_killed_until_the_stage_is_complete)
    record(f"kill -9 of the driver, stage `{stage}`", len(killed), "the same command resumes; shards byte-identical")
