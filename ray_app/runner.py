"""Run a stage on Ray Data: skip what is complete, make the missing shards, write the manifest last.

One Ray Data row per missing shard goes through a pool of actors; an actor reads its input rows, calls the stage's
worker, writes the shard atomically and returns the shard's ledger. So shard names and contents do not depend on
scheduling, and a killed run loses at most the shards in flight. A row for which the worker raises becomes a Reject with
a reason that begins with `RAISED`; where too many do, the run stops.
"""

import dataclasses
import json
import os
import socket
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psutil
import ray

# Read when ray.data is imported, which else asks the autoscaler for cores of any node, one with GPUs too. Workers that
# wait for room are demand enough, and say what they need.
os.environ.setdefault("RAY_DATA_DEFAULT_CLUSTER_SCALING_UP_CPU_UTIL_THRESHOLD", "2")
import ray.data
from ray import cloudpickle
from ray.exceptions import RayActorError
from ray.util.annotations import RayDeprecationWarning

from ray_app import errors, telemetry
from ray_app.errors import ClusterError, InputError, SandboxError, SemrayError
from ray_app.progress import Progress, say
from ray_app.records import Reject, content_id, to_table
from ray_app.stage import Spend, Stage, plan
from ray_app.store import Dataset, Ledger

AT_MOST = {"CPU": "cpus_at_most", "GPU": "gpus_at_most"}
"""Resources by which the head of a cluster that scales itself says how far: Ray knows only what is there.

`cpus_at_most` counts the cores of the node types that declare `SANDBOX`."""
SANDBOX = "sandbox"
"""The resource that work without GPUs asks for beside CPUs, wherever nodes have it or the head says `cpus_at_most`.

A node type that does not declare it is not started for such work. Its nodes may have it all the same, given to
`ray start`: once they run for another reason, their idle cores are filled."""
_ATTEMPTS = 10
"""how often a shard is begun before the run is given up: a row may not kill workers or sandboxes for ever"""
_BLOCKS = 100
"""into which a stage is cut at least, if it has so many shards, so that one hears of each hundredth"""
RAISED = "error: "
"""How the reason of a row begins for which the worker raised; the name of the exception follows."""
RAISED_AT_MOST = 0.05
"""The share of a stage's rows for which its worker may raise."""
_FIRST = 1_000
"""rows of a large stage over which the share is taken before more have been seen"""
_OF_THE_MACHINE = (SemrayError, OSError, MemoryError)
"""what a worker raises when no row is to blame"""


@dataclass(frozen=True, slots=True)
class Unit:
    """The input of one output shard: slices of input shards, or literal rows."""

    shard: int
    slices: tuple[tuple[Dataset, str, int, int], ...] = ()
    """(dataset, shard file, offset, rows)"""
    rows: tuple[Any, ...] = ()


def run(stage: Stage[Any, Any, Any], root: str, *, inputs: Sequence[Dataset] = (), rows: Sequence[Any] = ()) -> Dataset:
    """Bring `root/<stage.name>` to completion and return it. Needs an initialised Ray (see `cluster.session`).

    Input is every row of `inputs`, in order, or the literal `rows`. Raises InputError if the directory belongs to
    another configuration, input or code version; whatever is already there stays.
    """
    dataset = Dataset(root, stage.name)
    dataset.begin(plan(stage.worker, stage.config, inputs, rows, stage.rows_per_shard))
    if (manifest := dataset.manifest()) is not None:
        say(stage.name, f"complete: {_summary(manifest.ledger)} (skipped)")
        return dataset
    todo = units(stage.rows_per_shard, inputs, rows)
    finished = dataset.finished_shards()
    missing = [unit for unit in todo if unit.shard not in finished]
    progress = Progress(stage.name, len(todo), "shards")
    progress.done = len(todo) - len(missing)
    total = sum(finished.values(), Ledger())
    count = sum(n for unit in todo for *_, n in unit.slices) or len(rows)
    _stop_if_too_many_raise(dataset, total, count)
    for ledger in _execute(stage, dataset, missing):
        total = total + ledger
        _stop_if_too_many_raise(dataset, total, count)
        progress.advance(note=f"{total.rows_out} rows, {sum(total.rejects.values())} rejects")
    manifest = dataset.finish()
    progress.close(note=_summary(manifest.ledger))
    return dataset


def side_by_side(*branches: Callable[[], Dataset]) -> list[Dataset]:
    """Runs that do not need each other, at once: what one leaves idle, as it starts and as it ends, another uses."""
    with ThreadPoolExecutor(len(branches)) as pool:
        return list(pool.map(lambda branch: branch(), branches))


def units(rows_per_shard: int | None, inputs: Sequence[Dataset], rows: Sequence[Any]) -> list[Unit]:
    """How the input is cut: consecutive runs of at most `rows_per_shard` rows, never across input shards."""
    if rows:
        size = rows_per_shard or len(rows)
        return [Unit(i // size, rows=tuple(rows[i : i + size])) for i in range(0, len(rows), size)]
    shards = [(d, name, count) for d in inputs for name, count in d.row_counts().items() if count]
    if rows_per_shard is None:
        return [Unit(0, slices=tuple((d, name, 0, count) for d, name, count in shards))]
    slices = [
        (d, name, offset, min(rows_per_shard, count - offset))
        for d, name, count in shards
        for offset in range(0, count, rows_per_shard)
    ]
    return [Unit(index, slices=(piece,)) for index, piece in enumerate(slices)]


def _stop_if_too_many_raise(dataset: Dataset, total: Ledger, rows: int) -> None:
    """An InputError where the worker raised for more than its share of the rows so far."""
    raised = sum(n for reason, n in total.rejects.items() if reason.startswith(RAISED))
    if raised <= RAISED_AT_MOST * max(total.rows_in, min(rows, _FIRST)):
        return
    first = next(row for row in dataset.rejects() if row.reason.startswith(RAISED))
    raise InputError(
        f"stage {dataset.name}: its worker raised for {raised} of {total.rows_in} rows (at most {RAISED_AT_MOST:.0%} "
        f"may), first for {first.id}: {first.reason.removeprefix(RAISED)}: {first.detail}; correct the cause, delete "
        f"{dataset.path} and run the same command"
    )


def _execute(stage: Stage[Any, Any, Any], dataset: Dataset, missing: list[Unit]) -> Iterator[Ledger]:
    if not missing:
        return
    workers = max(1, min(len(missing), _slots(stage)))
    # A unit travels pickled, as bytes: Arrow has no type for it. A few blocks per worker keep every actor busy, and
    # what a block has made is heard of when all of it is.
    jobs = [{"unit": _pack(unit)} for unit in missing]
    source = ray.data.from_items(jobs, override_num_blocks=min(len(missing), max(4 * workers, _BLOCKS)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RayDeprecationWarning)  # Ray has no other name for max_task_retries yet
        results = source.map_batches(
            _ShardActor,
            fn_constructor_args=(_pack((stage, dataset)),),
            batch_size=1,
            # Workers that find no room wait for it: an autoscaling cluster grows under them.
            compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
            num_cpus=stage.num_cpus,
            num_gpus=stage.num_gpus,
            resources=_beside_cpus(stage),
            max_task_retries=_ATTEMPTS - 1,
        )
    # Never for more than this, where it asks all the same.
    needed = ray.data.ExecutionResources.for_limits(cpu=workers * stage.num_cpus, gpu=workers * stage.num_gpus)
    results.context.execution_options.resource_limits = needed
    try:
        for row in results.iter_rows():
            if row["error"]:
                name, message = json.loads(row["error"])
                raise getattr(errors, name)(message)
            yield Ledger(**json.loads(row["ledger"]))
    except RayActorError as error:
        left = min({unit.shard for unit in missing} - dataset.finished_shards().keys(), default=missing[-1].shard)
        raise ClusterError(
            f"stage {stage.name}: a worker died {_ATTEMPTS} times over one shard, {left} or one soon after; if the "
            "machine ran out of memory, set a smaller rows_per_shard or give Ray fewer CPUs"
        ) from error


def _beside_cpus(stage: Stage[Any, Any, Any]) -> dict[str, float]:
    """The custom resources of one worker: on a plain cluster none."""
    now = ray.cluster_resources()
    divided = not stage.num_gpus and (SANDBOX in now or AT_MOST["CPU"] in now)
    return {SANDBOX: stage.num_cpus} if divided and stage.num_cpus else {}


def _slots(stage: Stage[Any, Any, Any]) -> int:
    """How many workers the cluster holds, or would hold if it grew as far as its head says (`AT_MOST`)."""
    now = ray.cluster_resources()
    there = SANDBOX if _beside_cpus(stage) else "CPU"
    cpus = max(now.get(there, 0.0), now.get(AT_MOST["CPU"], 0.0) + _beside_gpus(there))
    gpus = max(now.get("GPU", 0.0), now.get(AT_MOST["GPU"], 0.0))
    if cpus < stage.num_cpus or gpus < stage.num_gpus:
        raise ClusterError(
            f"stage {stage.name} needs {stage.num_cpus:g} CPU and {stage.num_gpus:g} GPU per worker, the cluster has "
            f"{cpus:g} and {gpus:g}; add nodes or choose a smaller recipe"
        )
    by_cpu = int(cpus / stage.num_cpus) if stage.num_cpus else int(cpus)
    by_gpu = int(gpus / stage.num_gpus) if stage.num_gpus else by_cpu
    return min(by_cpu, by_gpu, stage.max_workers or by_cpu)


def _beside_gpus(resource: str) -> float:
    """What nodes with GPUs that run already have of a resource: work for CPUs may fill it."""
    running = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return sum(resources.get(resource, 0.0) for resources in running if resources.get("GPU"))


_pack: Any = cloudpickle.dumps  # pyright: ignore[reportPrivateImportUsage]
_unpack: Any = cloudpickle.loads


class _ShardActor:
    """One process of the pool: makes whole shards, and keeps what is costly to start (a sandbox) between them."""

    def __init__(self, what: bytes) -> None:
        self._what: tuple[Stage[Any, Any, Any], Dataset] = _unpack(what)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        (stage, dataset), unit = self._what, _unpack(batch["unit"][0])
        if (made := dataset.finished_shard(unit.shard)) is not None:  # in this block, by a worker that died in it
            return {"ledger": [json.dumps(dataclasses.asdict(made))], "error": [""]}
        feed = _Feed(stage, unit)
        try:
            ledger = _make(stage, dataset, feed, unit.shard)
        except SemrayError as error:
            # It travels as data: Ray's own wrapping would lose its class and add a page of traceback.
            return {"ledger": [""], "error": [json.dumps([type(error).__name__, f"{feed}: {error}"])]}
        except Exception as error:
            error.add_note(f"in {feed}")
            raise
        telemetry.shard_made(stage.name, ledger)
        return {"ledger": [json.dumps(dataclasses.asdict(ledger))], "error": [""]}


class _Feed:
    """The rows of a shard on their way into the worker, where it is, and the rows that it must not see again."""

    def __init__(self, stage: Stage[Any, Any, Any], unit: Unit) -> None:
        self._stage, self._unit = stage, unit
        self._rows: list[Any] = []
        self._taken = 0
        self._refused: dict[int, Reject] = {}

    def open(self) -> int:
        """Read the shard's rows, and begin with the first; how many they are."""
        if not self._rows:
            reads, slices = self._stage.reads, self._unit.slices
            stored = [row for d, name, offset, n in slices for row in d.read_slice(reads, name, offset, n)]
            self._rows = [*stored, *self._unit.rows]
        self._taken = 0
        return len(self._rows)

    def __iter__(self) -> Iterator[Any]:
        for index, row in enumerate(self._rows):
            if index not in self._refused:
                self._taken = index + 1
                yield row

    def refuse_what_raises(self) -> bool:
        """Refuse every row taken so far for which the worker raises also when it comes alone; whether there were any.

        Of a stage without shards, which would begin anew for every row, only the last one is tried.
        """
        taken = [index for index in range(self._taken) if index not in self._refused]
        found = {index: self._alone(index) for index in (taken if self._stage.rows_per_shard else taken[-1:])}
        raised = {index: reject for index, reject in found.items() if reject is not None}
        self._refused |= raised
        return bool(raised)

    def _alone(self, index: int) -> Reject | None:
        stage, row = self._stage, self._rows[index]
        try:
            made = [one for one in stage.worker(iter([row]), stage.config) if not isinstance(one, Reject | Spend)]
            to_table(stage.writes, made)
        except _OF_THE_MACHINE:
            raise
        except Exception as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{os.path.basename(at.filename)}, line {at.lineno}"
            row_id = str(getattr(row, "id", "") or content_id(repr(row)))
            return Reject(stage.name, row_id, f"{RAISED}{type(error).__name__}", f"{error!s:.200} ({where})")
        return None

    @property
    def refused(self) -> list[Reject]:
        """The rows for which the worker raised, in their order."""
        return [self._refused[index] for index in sorted(self._refused)]

    def __str__(self) -> str:
        last = self._rows[self._taken - 1] if self._taken else None
        row = f", row {self._taken} of {len(self._rows)} ({getattr(last, 'id', last)!s:.60})" if self._taken else ""
        where = f"worker {os.getpid()} on {socket.gethostname()}"
        return f"stage {self._stage.name}, shard {self._unit.shard}{row}, {where}"


def _make(stage: Stage[Any, Any, Any], dataset: Dataset, feed: _Feed, shard: int) -> Ledger:
    """Make one shard and write it, again without the rows that raise where some do."""
    started, cpu = time.monotonic(), _cpu_seconds()
    while True:
        try:
            rows, rejects, ledger = _with_sandbox(stage, feed)
            ledger = ledger + Ledger(cpu_s=_cpu_seconds() - cpu, wall_s=time.monotonic() - started)
            dataset.write_shard(shard, stage.writes, rows, rejects, ledger)
            return ledger
        except _OF_THE_MACHINE:
            raise
        except Exception:
            if not feed.refuse_what_raises():
                raise


def _with_sandbox(stage: Stage[Any, Any, Any], feed: _Feed) -> tuple[list[Any], list[Reject], Ledger]:
    """`_work`, again with a new sandbox where one died under it (out of memory, killed)."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return _work(stage, feed)
        except SandboxError:
            telemetry.sandbox_restarted(stage.name)
    return _work(stage, feed)


def _work(stage: Stage[Any, Any, Any], feed: _Feed) -> tuple[list[Any], list[Reject], Ledger]:
    """What the worker makes of the rows, and what it counted."""
    ledger = Ledger(rows_in=feed.open())
    rows: list[Any] = []
    rejects = feed.refused
    for made in stage.worker(feed, stage.config):
        if isinstance(made, Reject):
            rejects.append(made)
        elif isinstance(made, Spend):
            ledger = ledger + Ledger(tokens_in=made.tokens_in, tokens_out=made.tokens_out, usd=made.usd)
        else:
            rows.append(made)
    counted = Counter(reject.reason for reject in rejects)
    return rows, rejects, ledger + Ledger(rows_out=len(rows), rejects=counted)


def _cpu_seconds() -> float:
    """CPU time of this process, its children, and the children they have reaped (the sandbox's programs)."""
    total = 0.0
    for process in [psutil.Process(os.getpid()), *psutil.Process(os.getpid()).children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _summary(ledger: Ledger) -> str:
    rejects = ", ".join(f"{n} {reason}" for reason, n in sorted(ledger.rejects.items(), key=lambda item: -item[1])[:3])
    refused = f", {sum(ledger.rejects.values())} rejects ({rejects})" if rejects else ""
    return f"{ledger.rows_in} -> {ledger.rows_out} rows{refused}, {ledger.cpu_s:.1f} CPU s"
