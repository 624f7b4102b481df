"""Run stages on Ray Data: skip what is complete, make the missing shards, write the manifest last.

One Ray Data row per missing shard goes through a pool of actors; an actor reads its input rows, calls the stage's
worker, writes the shard atomically and returns the shard's ledger (`ray_app.shard`). So shard names and contents do not
depend on scheduling, and a killed run loses at most the shards in flight. Where a worker raises for too many rows, the
run stops.
"""

import dataclasses
import gc
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import ray

# Read when ray.data is imported, which else asks the autoscaler for cores of any node, one with GPUs too. Workers that
# wait for room are demand enough, and say what they need.
os.environ.setdefault("RAY_DATA_DEFAULT_CLUSTER_SCALING_UP_CPU_UTIL_THRESHOLD", "2")
import ray.data
from ray import cloudpickle
from ray.exceptions import RayActorError, RayTaskError
from ray.util.annotations import RayDeprecationWarning

from ray_app import errors, store
from ray_app.errors import ClusterError, InputError, SemrayError
from ray_app.progress import Progress, say
from ray_app.shard import ATTEMPTS, RAISED, Unit, make, units
from ray_app.stage import Stage, plans
from ray_app.store import Dataset, Ledger, Shard

# Ray has no other name for max_task_retries yet.
warnings.filterwarnings("ignore", "`ray_remote_args` is deprecated", RayDeprecationWarning)

R = TypeVar("R")
AT_MOST = {"CPU": "cpus_at_most", "GPU": "gpus_at_most"}
"""Resources by which the head of a cluster that scales itself says how far: Ray knows only what is there.

`cpus_at_most` counts the cores of the node types that declare `SANDBOX`."""
SANDBOX = "sandbox"
"""The resource that work without GPUs asks for beside CPUs, wherever nodes have it or the head says `cpus_at_most`.

A node type that does not declare it is not started for such work. Its nodes may have it all the same, given to
`ray start`: once they run for another reason, their idle cores are filled."""
_BLOCKS = 100
"""into which a stage is cut at least, if it has so many shards, so that one hears of each hundredth"""
RAISED_AT_MOST = 0.05
"""The share of a stage's rows for which its worker may raise."""
_FIRST = 1_000
"""rows of a large stage over which the share is taken before more have been seen"""


def run(stage: Stage[Any, Any, Any], root: str, *, inputs: Sequence[Dataset] = (), rows: Sequence[Any] = ()) -> Dataset:
    """Bring `root/<stage.name>` to completion and return it. Needs an initialised Ray (see `cluster.session`).

    Input is every row of `inputs`, in order, or the literal `rows`. Raises InputError if the directory belongs to
    another configuration, input or code version; whatever is already there stays.
    """
    return stream([stage], root, inputs=inputs, rows=rows)[0]


def stream(
    stages: Sequence[Stage[Any, Any, Any]], root: str, *, inputs: Sequence[Dataset] = (), rows: Sequence[Any] = ()
) -> list[Dataset]:
    """Bring a stage and those that follow it to completion together: a shard goes through all of them in one process.

    The first stage is as for `run`; every other follows one that stands before it. A shard that is there stays, unless
    the one that it was made from is another now.
    """
    head, names = stages[0], [stage.name for stage in stages]
    datasets = [Dataset(root, name) for name in names]
    store.begin(dict(zip(datasets, plans(stages, inputs, rows).values(), strict=True)))
    complete = [manifest for dataset in datasets if (manifest := dataset.manifest()) is not None]
    if len(complete) == len(datasets):
        for manifest in complete:
            say(manifest.stage, f"complete: {_summary(manifest.ledger)} (skipped)")
        return datasets
    todo = units(head.rows_per_shard, inputs, rows)
    found = {dataset.name: dataset.finished_shards() for dataset in datasets}
    wanted = {unit.shard: _wanted(stages, found, unit.shard) for unit in todo}
    for name in {name for missing in wanted.values() for name in missing}:
        Dataset(root, name).reopen()
    done = [shard for shard, missing in wanted.items() if not missing]
    total = {name: sum((found[name][shard].ledger for shard in done), Ledger()) for name in names}
    rows_in = sum(n or 0 for unit in todo for *_, n in unit.slices) or len(rows)
    progress = Progress(head.name, len(todo), "shards")
    progress.done = len(done)
    _stop_if_too_many_raise(stages, root, total, rows_in)
    for made in _execute(stages, root, [unit for unit in todo if wanted[unit.shard]]):
        total = {name: total[name] + made[name] for name in names}
        _stop_if_too_many_raise(stages, root, total, rows_in)
        progress.advance(note=_note(stages, total))
    _stop_if_too_many_raise(stages, root, total)
    first, *others = [dataset.finish() for dataset in datasets]
    progress.close(note=_summary(first.ledger))
    for manifest in others:
        say(manifest.stage, _summary(manifest.ledger))
    return datasets


def _wanted(stages: Sequence[Stage[Any, Any, Any]], found: Mapping[str, Mapping[int, Shard]], shard: int) -> list[str]:
    """The stages whose shard of this number is not there, or not made from what is there."""
    wanted: list[str] = []
    for stage in stages:
        own, above = found[stage.name].get(shard), found.get(stage.follows, {}).get(shard)
        if own is None or stage.follows in wanted or not own.is_from(above):
            wanted.append(stage.name)
    return wanted


def side_by_side(*branches: Callable[[], Dataset]) -> list[Dataset]:
    """Runs that do not need each other, at once: what one leaves idle, as it starts and as it ends, another uses."""
    with ThreadPoolExecutor(len(branches)) as pool:
        return list(pool.map(lambda branch: branch(), branches))


def _stop_if_too_many_raise(
    stages: Sequence[Stage[Any, Any, Any]], root: str, total: Mapping[str, Ledger], rows: int = 0
) -> None:
    """An InputError where a worker raised for more than its share of the rows so far; of `rows`, if more are coming."""
    for place, stage in enumerate(stages):
        dataset, ledger = Dataset(root, stage.name), total[stage.name]
        raised = sum(n for reason, n in ledger.rejects.items() if reason.startswith(RAISED))
        if raised <= RAISED_AT_MOST * max(ledger.rows_in, min(rows, _FIRST)):
            continue
        first = next(row for row in dataset.rejects() if row.reason.startswith(RAISED))
        behind = [stage.name]
        for other in stages[place:]:
            behind += [other.name] if other.follows in behind else []
        paths = ", ".join(Dataset(root, name).path for name in behind)
        raise InputError(
            f"stage {dataset.name}: its worker raised for {raised} of {ledger.rows_in} rows (at most "
            f"{RAISED_AT_MOST:.0%} may), first for {first.id}: {first.reason.removeprefix(RAISED)}: {first.detail}; "
            f"correct the cause, delete {paths} and run the same command"
        )


def _execute(stages: Sequence[Stage[Any, Any, Any]], root: str, missing: list[Unit]) -> Iterator[dict[str, Ledger]]:
    """What each stage made of a shard, as the shards come."""
    if not missing:
        return
    stage = stages[0]
    workers = max(1, min(len(missing), _slots(stage)))
    # A unit travels pickled, as bytes: Arrow has no type for it. A few blocks per worker keep every actor busy, and
    # what a block has made is heard of when all of it is.
    jobs = [{"unit": _pack(unit)} for unit in missing]
    source = ray.data.from_items(jobs, override_num_blocks=min(len(missing), max(4 * workers, _BLOCKS)))
    results = source.map_batches(
        _ShardActor,
        fn_constructor_args=(_pack((stages, root)),),
        batch_size=1,
        # Workers that find no room wait for it: an autoscaling cluster grows under them.
        compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
        num_cpus=stage.num_cpus,
        num_gpus=stage.num_gpus,
        resources=_beside_cpus(stage.num_cpus, stage.num_gpus),
        max_task_retries=ATTEMPTS - 1,
    )
    # Never for more than this, where it asks all the same.
    needed = ray.data.ExecutionResources.for_limits(cpu=workers * stage.num_cpus, gpu=workers * stage.num_gpus)
    results.context.execution_options.resource_limits = needed
    try:
        for row in results.iter_rows():
            if row["error"]:
                name, message = json.loads(row["error"])
                raise getattr(errors, name)(message)
            yield {name: Ledger(**ledger) for name, ledger in json.loads(row["ledgers"]).items()}
    except RayActorError as error:
        last = Dataset(root, stages[-1].name).finished_shards()
        left = min({unit.shard for unit in missing} - last.keys(), default=missing[-1].shard)
        names = ", ".join(each.name for each in stages)
        raise ClusterError(
            f"stage {names}: a worker died {ATTEMPTS} times over one shard, {left} or one soon after; if the machine "
            "ran out of memory, set a smaller rows_per_shard or give Ray fewer CPUs"
        ) from error


def call(function: Callable[..., R], *arguments: Any, num_cpus: float = 1.0, num_gpus: float = 0.0) -> R:
    """What a function returns on a machine that has room for such work: the driver's own may be a small head.

    Only names and values travel, never paths that are valid on one machine. A SemrayError comes back as itself.
    """
    where = {"num_cpus": num_cpus, "num_gpus": num_gpus, "resources": _beside_cpus(num_cpus, num_gpus)}

    def work(*given: Any) -> R:  # Ray takes functions written in Python, and `function` may be a built-in one
        return function(*given)

    remote: Any = ray.remote(work)
    try:
        return cast("R", ray.get(remote.options(**where).remote(*arguments)))
    except RayTaskError as error:
        if isinstance(error.cause, SemrayError):
            raise type(error.cause)(str(error.cause)) from error
        raise


def _beside_cpus(num_cpus: float, num_gpus: float) -> dict[str, float]:
    """The custom resources of one worker: on a plain cluster none."""
    now = ray.cluster_resources()
    divided = not num_gpus and (SANDBOX in now or AT_MOST["CPU"] in now)
    return {SANDBOX: num_cpus} if divided and num_cpus else {}


def _slots(stage: Stage[Any, Any, Any]) -> int:
    """How many workers the cluster holds, or would hold if it grew as far as its head says (`AT_MOST`)."""
    now = ray.cluster_resources()
    there = SANDBOX if _beside_cpus(stage.num_cpus, stage.num_gpus) else "CPU"
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
        self._what: tuple[Sequence[Stage[Any, Any, Any]], str] = _unpack(what)
        gc.freeze()  # Ray, Arrow and the workers' modules stay: the collector need not look at them again and again

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        try:
            made = make(*self._what, _unpack(batch["unit"][0]))
        except SemrayError as error:
            # It travels as data: Ray's own wrapping would lose its class and add a page of traceback.
            return {"ledgers": [""], "error": [json.dumps([type(error).__name__, str(error)])]}
        ledgers = {name: dataclasses.asdict(shard.ledger) for name, shard in made.items()}
        return {"ledgers": [json.dumps(ledgers)], "error": [""]}


def _note(stages: Sequence[Stage[Any, Any, Any]], total: Mapping[str, Ledger]) -> str:
    """What has come out at the ends so far, and what was refused on the way."""
    followed = {stage.follows for stage in stages}
    rows = sum(ledger.rows_out for name, ledger in total.items() if name not in followed)
    return f"{rows} rows, {sum(n for ledger in total.values() for n in ledger.rejects.values())} rejects"


def _summary(ledger: Ledger) -> str:
    rejects = ", ".join(f"{n} {reason}" for reason, n in sorted(ledger.rejects.items(), key=lambda item: -item[1])[:3])
    refused = f", {sum(ledger.rejects.values())} rejects ({rejects})" if rejects else ""
    return f"{ledger.rows_in} -> {ledger.rows_out} rows{refused}, {ledger.cpu_s:.1f} CPU s"
