"""Kill what executes programs, at random moments: every row of every shard must come out the same."""

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray
from ray.cluster_utils import Cluster

from ray_app.sandbox.api import Job
from ray_app.sandbox.pool import Pool
from tests.chaos import kit
from tests.chaos.monkey import Victims, actors, killing, sandbox_children, sandbox_servers

Record = Callable[[str, int, str], None]
PARTS = 4
"""the kills of nodes, which take long to start, are spread over this many tests"""
VICTIMS: dict[str, tuple[Victims, tuple[float, float]]] = {
    "sandbox child": (sandbox_children, (0.0, 0.6)),
    "sandbox server (zygote)": (sandbox_servers, (0.0, 1.5)),
    "Ray Data worker": (actors("MapWorker"), (0.5, 3.0)),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray.init(address="local", num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def quiet(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an undisturbed run makes."""
    root = tmp_path_factory.mktemp("quiet")
    kit.execute(root)
    return kit.shards(root)


@pytest.mark.parametrize("victim", VICTIMS)
def test_execution_survives_kill_9_of(
    victim: str, quiet: dict[str, bytes], tmp_path: Path, kills: int, dice: random.Random, record: Record
) -> None:
    victims, pause_s = VICTIMS[victim]
    killed: list[int] = []
    resumes: list[int] = []

    def disturbed_run(number: int) -> None:
        root = tmp_path / str(number)
        with killing(victims, kills, dice, pause_s, killed):
            resumes.append(kit.execute_to_the_end(root))
        assert kit.shards(root) == quiet

    kit.until(lambda: len(killed) >= kills, disturbed_run)
    record(f"kill -9 of a {victim}", len(killed), f"goes on, run again {sum(resumes)} times; shards byte-identical")


def test_pool_survives_kill_9_of_an_actor(cluster: None, kills: int, dice: random.Random, record: Record) -> None:
    jobs = [Job(program.code, program.calls) for program in kit.programs()]
    killed: list[int] = []

    def outcomes(pool: Pool) -> list[list[tuple[str, str | None]]]:
        return [[(run.status, run.output) for run in runs] for runs in pool.execute_many(jobs)]

    with Pool(actors=2) as pool:
        expected = outcomes(pool)

        def disturbed_run(number: int) -> None:
            with killing(actors("Worker"), kills, dice, (0.2, 2.5), killed):
                assert outcomes(pool) == expected

        kit.until(lambda: len(killed) >= kills, disturbed_run)
    record("kill -9 of a pool actor", len(killed), "the run goes on; every result the same, in order")


class Nodes:
    """Two machines of one core beside a head without any; a new one takes a dead one's place, as spot machines do."""

    def __init__(self) -> None:
        head = {"num_cpus": 0, "object_store_memory": 100_000_000}
        # Ray's handlers of signals, which end nodes at exit, can be set by the main thread only.
        self.cluster = Cluster(initialize_head=True, head_node_args=head, shutdown_at_exit=False)
        self._workers = [self._start() for _ in range(2)]
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._replace_the_dead)
        self._keeper.start()

    def _start(self) -> Any:
        # Not waited for: on a busy machine that can take longer than Ray allows.
        return self.cluster.add_node(wait=False, num_cpus=1, object_store_memory=100_000_000)

    def kept(self) -> bool:
        """Whether dead machines are still replaced: without two of them nothing is killed any more."""
        return self._keeper.is_alive()

    def raylets(self) -> list[psutil.Process]:
        """The raylets of the two machines; none while one of them is being replaced."""
        workers = list(self._workers)
        if len(workers) < 2 or any(worker.dead_processes() for worker in workers):
            return []
        return [psutil.Process(worker.all_processes["raylet"][0].process.pid) for worker in workers]

    def _replace_the_dead(self) -> None:
        while not self._over.wait(0.3):
            for worker in [worker for worker in self._workers if worker.dead_processes()]:
                self._workers.remove(worker)
                self.cluster.remove_node(worker, allow_graceful=False)
                self._workers.append(self._start())

    def close(self) -> None:
        self._over.set()
        self._keeper.join()
        self.cluster.shutdown()


@pytest.mark.parametrize("part", range(PARTS))
def test_execution_survives_kill_9_of_a_node(
    part: int, quiet: dict[str, bytes], tmp_path: Path, kills: int, dice: random.Random, record: Record
) -> None:
    ray.shutdown()
    nodes = Nodes()
    killed: list[int] = []
    times = max(1, kills // PARTS)

    def disturbed_run(number: int) -> None:
        assert nodes.kept()
        root = tmp_path / str(number)
        with killing(nodes.raylets, times, dice, (0.0, 2.0), killed):
            kit.execute(root)
        assert kit.shards(root) == quiet

    try:
        ray.init(address=nodes.cluster.address, log_to_driver=False)
        kit.until(lambda: len(killed) >= times, disturbed_run)
    finally:
        ray.shutdown()
        nodes.close()
    record("kill -9 of a node (its raylet)", len(killed), "the run goes on; shards byte-identical")
