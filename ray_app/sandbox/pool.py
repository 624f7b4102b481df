"""The sandbox on every core of a Ray cluster: one actor per core, results in order as they come.

Programs cannot break an actor. A server that dies all the same (out of memory, killed from outside) is started again
and only the program that kills it twice, once alone, is charged: its calls get the status "signal" and a flag.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any

import ray

from ray_app.errors import LaneMismatch, SandboxError
from ray_app.records import Execution
from ray_app.sandbox.api import Job, Lane, Sandbox
from ray_app.sandbox.batch import Result

BATCH = 128
"""Programs that an actor is given at a time: few, so that all end together, but enough to fill a shared child, and to
make little of the pause between two."""
SERVER_DIED = "server-died"
_BATCHES_AHEAD = 3
_DEATHS = 9
"""how often an actor may die over one batch before the batch is given up"""


class Worker:
    """A sandbox that outlives its servers. `run` never raises for a program; SandboxError if no server can start."""

    def __init__(self, require: Collection[str] = ()) -> None:
        self._require = tuple(require)
        self.sandbox = Sandbox(self._require)

    def layers(self) -> str:
        """The layers of the sandbox, in one line."""
        return self.sandbox.layers

    def server_pids(self) -> list[int]:
        """The processes of the sandbox, as seen from the actor's machine."""
        return self.sandbox.server_pids

    def run(self, jobs: Sequence[Job], lane: Lane, twice: bool) -> list[list[Result]]:
        """The results of each job, in order."""
        done: list[list[Result]] = []
        while len(done) < len(jobs):
            try:
                for results in self.sandbox.results_of(jobs[len(done) :], lane=lane, twice=twice):
                    done.append(results)
            except LaneMismatch:
                raise
            except SandboxError:
                self._restart()
                done.append(self._alone(jobs[len(done)]))
        return done

    def _alone(self, job: Job) -> list[Result]:
        try:
            return next(self.sandbox.results_of([job]))
        except SandboxError:
            self._restart()
            return [Result(call, "signal", None, None, "", 0, (SERVER_DIED,), b"") for call in job.calls]

    def _restart(self) -> None:
        self.sandbox.close()
        self.sandbox = Sandbox(self._require)


class Pool:
    """Actors on a running Ray. `actors` 0 means one per CPU of the cluster."""

    def __init__(self, actors: int = 0, require: Collection[str] = ()) -> None:
        count = actors or max(1, int(ray.cluster_resources().get("CPU", 1)))
        actor: Any = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=_DEATHS)(Worker)
        self.actors: list[Any] = [actor.remote(tuple(require)) for _ in range(count)]
        self.layers: str = ray.get(self.actors[0].layers.remote())

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the actors and their servers."""
        for actor in self.actors:
            ray.kill(actor)
        self.actors.clear()

    def execute_many(
        self, jobs: Iterable[Job], *, lane: Lane = "safe", twice: bool = False
    ) -> Iterator[list[Execution]]:
        """The executions of each job, in order; reads a bounded number of jobs ahead."""
        running: deque[tuple[Any, int]] = deque()
        batches = _batches(jobs, BATCH)
        exhausted = False
        while running or not exhausted:
            while not exhausted and len(running) < _BATCHES_AHEAD * len(self.actors):
                chunk = next(batches, None)
                if chunk is None:
                    exhausted = True
                    break
                index = self._least_busy(running)
                running.append((self.actors[index].run.remote(chunk, lane, twice), index))
            if running:
                done: list[list[Result]] = ray.get(running.popleft()[0])
                for results in done:
                    yield [result.execution() for result in results]

    def _least_busy(self, given: Iterable[tuple[Any, int]]) -> int:
        """The actor that has the fewest of these batches still to do."""
        actor_of = dict(given)
        left = ray.wait(list(actor_of), num_returns=len(actor_of), timeout=0, fetch_local=False)[1] if actor_of else []
        busy = Counter(actor_of[reference] for reference in left)
        return min(range(len(self.actors)), key=busy.__getitem__)


def _batches(jobs: Iterable[Job], size: int) -> Iterator[list[Job]]:
    batch: list[Job] = []
    for job in jobs:
        batch.append(job)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
