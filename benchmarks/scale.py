"""What Ray adds to the work: speed-up with workers, overhead per row, memory of the driver and of the object store.

    python -m benchmarks.scale speedup                       executions stage, 1 worker on 1 core and 2 on 2
    python -m benchmarks.scale sweep --nodes 12              10^4, 10^5, 10^6 small rows on fake nodes, a cost simulated
    python -m benchmarks.scale sweep --nodes 0 --rows 1000000 --store-mb 500
    python -m benchmarks.scale table --root runs/demo        1,000 cores, 100 M programs: hours, what breaks first
    python -m benchmarks.scale dedup --programs 1000000      near-duplicates: CPU minutes and memory, then for 100 M

`speedup` wants a quiet machine. In `sweep`, a row costs its worker `--row-ms` of waiting, as work on another machine
does, so that nodes do not compete for the cores of this one; what is left is the system's own.
"""

import contextlib
import functools
import gc
import logging
import os
import random
import re
import tempfile
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import ray
import typer
from ray._private.internal_api import node_stats
from ray.cluster_utils import Cluster

from cluster.quiet import quiet
from cluster.session import GIB
from pipelines.recipes import demo
from pipelines.synthesize import selected
from ray_app import capacity
from ray_app.programs.grow import DIALS, GrowConfig, grow
from ray_app.programs.select.pairs import parts
from ray_app.programs.select.workers import SelectConfig
from ray_app.programs.trace import TraceConfig
from ray_app.programs.workers import trace_rows
from ray_app.records import Program, Seed, TracedProgram, content_id
from ray_app.runner import run
from ray_app.shard import make as make_shard
from ray_app.shard import units
from ray_app.stage import Stage
from ray_app.stages import sample_sets
from ray_app.store import Dataset

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
MIB = 1024**2
ROWS_PER_SHARD = 1_000
COMPARING = ("signatures", "pairs", "twins", "programs")
"""the stages that find near-duplicates"""
QUIET: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}


@dataclass(frozen=True)
class Cost:
    """What a simulated row costs its worker, in milliseconds of waiting."""

    row_ms: float


@dataclass(frozen=True)
class Nothing:
    """No settings."""


@dataclass(frozen=True)
class Count:
    """This many rows, numbered from `start`."""

    start: int
    rows: int


def make(counts: Iterable[Count], config: Nothing) -> Iterator[Seed]:
    """Small programs, each another."""
    for count in counts:
        for number in range(count.start, count.start + count.rows):
            yield Seed(f"{number:016x}", f"def f(x):\n    return x * {number} + {number % 7}", "simulated", "none")


def wait(rows: Iterable[Seed], config: Cost) -> Iterator[Seed]:
    """Every row as it is, after what it costs."""
    yield from rows
    time.sleep(config.row_ms / 1000 * ROWS_PER_SHARD)


@dataclass
class Meter:
    """The peaks of a run: memory of the driver and of all object stores, looked at twice a second."""

    driver_bytes: int = 0
    store_bytes: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def running(self) -> Generator[None]:
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        try:
            yield
        finally:
            self._over.set()
            watcher.join()

    def _watch(self) -> None:
        driver = psutil.Process()
        while not self._over.wait(0.5):
            self.driver_bytes = max(self.driver_bytes, driver.memory_info().rss)
            self.store_bytes = max(self.store_bytes, sum(_store_bytes(node) for node in ray.nodes() if node["Alive"]))


def _store_bytes(node: dict[str, Any]) -> int:
    found = node_stats(node["NodeManagerAddress"], node["NodeManagerPort"], include_memory_info=False)
    return found.store_stats.object_store_bytes_used


@contextlib.contextmanager
def cluster(nodes: int, store_mb: int) -> Generator[None]:
    """Fake nodes of one core each beside a head without any; with 0 nodes, this machine as it is."""
    if not nodes:
        ray.init(address="local", num_cpus=2, object_store_memory=store_mb * MIB, **QUIET)
        yield
        ray.shutdown()
        return
    head = {"num_cpus": 0, "object_store_memory": store_mb * MIB, "include_dashboard": False}
    fake = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(nodes):
        fake.add_node(num_cpus=1, object_store_memory=max(80, store_mb // nodes) * MIB)
    fake.wait_for_nodes()
    ray.init(address=fake.address, log_to_driver=False, logging_level="ERROR")
    try:
        yield
    finally:
        ray.shutdown()
        fake.shutdown()


@app.command()
def sweep(nodes: int = 12, rows: str = "10000,100000,1000000", row_ms: float = 0.2, store_mb: int = 500) -> None:
    """Overhead per row and memory, from few rows to many."""
    print(
        f"{nodes or 'no'} fake nodes, {row_ms} ms a row simulated, store {store_mb} MB, {ROWS_PER_SHARD} rows a shard"
    )
    heads = ("rows", "seconds", "rows/s", "of ideal", "driver us/row", "driver MB", "store MB")
    print(" ".join(f"{head:>13}" for head in heads), flush=True)
    with cluster(nodes, store_mb):
        _pass_on(4 * ROWS_PER_SHARD, 0.0, Meter())  # the first run starts processes and imports
        for count in map(int, rows.split(",")):
            meter = Meter()
            seconds, driver_s = _pass_on(count, row_ms, meter)
            ideal = row_ms / 1000 * count / max(1, min(nodes or 2, count // ROWS_PER_SHARD))
            facts = (
                f"{count:,}",
                f"{seconds:.1f}",
                f"{count / seconds:,.0f}",
                f"{ideal / seconds:.0%}",
                f"{driver_s / count * 1e6:.1f}",
                f"{meter.driver_bytes / MIB:.0f}",
                f"{meter.store_bytes / MIB:.1f}",
            )
            print(" ".join(f"{fact:>13}" for fact in facts), flush=True)


def _pass_on(count: int, row_ms: float, meter: Meter) -> tuple[float, float]:
    """Wall seconds of a stage and CPU seconds of the driver, for `count` rows from shards to shards."""
    with tempfile.TemporaryDirectory() as root:
        chunks = [Count(start, ROWS_PER_SHARD) for start in range(0, count, ROWS_PER_SHARD)]
        source = run(Stage("made", make, Nothing(), Count, Seed, 1), root, rows=chunks)
        stage = Stage("passed", wait, Cost(row_ms), Seed, Seed, ROWS_PER_SHARD)
        driver, began = psutil.Process(), time.monotonic()
        before = sum(driver.cpu_times()[:2])
        with meter.running():
            made = run(stage, root, inputs=[source])
        seconds, driver_s = time.monotonic() - began, sum(driver.cpu_times()[:2]) - before
        assert made.complete().ledger.rows_out == count
        return seconds, driver_s


@app.command()
def speedup(programs: int = 3_000) -> None:
    """Programs executed and traced with 1 worker on 1 core and 2 workers on 2 cores, from the first shards on.

    Starting up is left out. A worker and its sandbox server are two processes that overlap, so one worker that may use
    both cores takes more than one; `spread` says how much faster it is then.
    """
    made = [row for row in grow(11, programs, 3, GrowConfig()) if isinstance(row, Program)]
    stage = Stage("executions", trace_rows, TraceConfig(), Program, TracedProgram, 25)
    every = sorted(os.sched_getaffinity(0))
    rates: dict[tuple[int, int], float] = {}
    for workers, cores in ((1, 1), (2, 2), (1, 2)):
        os.sched_setaffinity(0, every[:cores])
        with tempfile.TemporaryDirectory() as root:
            ray.init(address="local", num_cpus=workers, object_store_memory=200 * MIB, **QUIET)
            run(stage, root, rows=made)
            ray.shutdown()
            ended = sorted(path.stat().st_mtime for path in Path(root, "executions", "ledger").iterdir())
        warm = 2 * workers
        rates[workers, cores] = 25 * (len(ended) - warm) / (ended[-1] - ended[warm - 1])
        print(f"{workers} workers on {cores} cores: {rates[workers, cores]:6.1f} programs/s", flush=True)
    print(f"speed-up {rates[2, 2] / rates[1, 1]:.2f}, spread {rates[1, 2] / rates[1, 1]:.2f}")


@dataclass(frozen=True)
class Varied:
    """Of so many programs, the share that is a copy of another with one to three edits."""

    copies: float = 0.2


@functools.cache
def _grown() -> list[Program]:
    return [row for d in sorted(DIALS) for row in grow(7 + d, 100, d, GrowConfig()) if isinstance(row, Program)]


def vary(counts: Iterable[Count], config: Varied) -> Iterator[Program]:
    """Programs of the sizes that grow, made faster: grown ones in which all numbers and method names are others, and
    copies of these with a few edits. Growing a million anew would take many times what comparing them takes."""
    for count in counts:
        rng, last = random.Random(count.start), ""
        for number in range(count.start, count.start + count.rows):
            base = rng.choice(_grown())
            code = _edited(last, rng, rng.randint(1, 3)) if last and rng.random() < config.copies else ""
            last = code or _edited(base.code, rng, 10**6)
            yield replace(base, id=content_id(last, str(number)), code=last)


def _edited(code: str, rng: random.Random, edits: int) -> str:
    """The code with at most so many of its numbers and of the names behind its dots changed."""
    spots = list(re.finditer(r"\b\d+\b|(?<=\.)[a-z]\w*\b", code))
    pieces: list[str] = []
    end = 0
    for spot in sorted(rng.sample(spots, min(edits, len(spots))), key=lambda spot: spot.start()):
        new = str(rng.randrange(10**6)) if spot[0][0].isdigit() else f"m{rng.randrange(500)}"
        pieces += [code[end : spot.start()], new]
        end = spot.end()
    return "".join([*pieces, code[end:]])


class Alone:
    """Runs stages in this process, shard by shard, and notes by how much it grew in each.

    What Ray adds to a row is what `sweep` measures.
    """

    def __init__(self) -> None:
        self.grown: dict[str, int] = {}

    def run(
        self, stage: Stage[Any, Any, Any], root: str, *, inputs: Sequence[Dataset] = (), rows: Sequence[Any] = ()
    ) -> Dataset:
        dataset = Dataset(root, stage.name)
        todo, finished = units(stage.rows_per_shard, inputs, rows), dataset.finished_shards()
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        before, last = psutil.Process().memory_info().rss, time.monotonic()
        for unit in todo:
            if unit.shard not in finished:
                make_shard([stage], root, unit)
            if time.monotonic() > last + 30:
                last = time.monotonic()
                print(f"{stage.name}: {unit.shard + 1} of {len(todo)}", flush=True)
        peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
        self.grown[stage.name] = peak - before
        dataset.finish()
        return dataset


@app.command()
def dedup(programs: int = 100_000, root: str = "", memory_gib: float = 1.0) -> None:
    """CPU minutes of the four stages that find near-duplicates, their memory, and both for 100 M programs."""
    config = replace(demo().synthesize, select=SelectConfig(memory_gib=memory_gib), rows_per_shard=ROWS_PER_SHARD)
    alone, total = Alone(), 0.0
    with tempfile.TemporaryDirectory() as temporary:
        place = root or temporary
        chunks = [Count(start, ROWS_PER_SHARD) for start in range(0, programs, ROWS_PER_SHARD)]
        source = alone.run(Stage("varied", vary, Varied(), Count, Program, 4), place, rows=chunks)
        picked = selected(config, place, [source], alone.run)
        print(f"{programs:,} programs, {picked.complete().ledger.rows_out:,} kept")
        for name in COMPARING:
            dataset = Dataset(place, name)
            spent = dataset.complete().ledger.cpu_s
            total += spent
            print(
                f"{name:<12} {spent / 60:8.2f} CPU minutes, {spent / programs * 1e6:7.1f} us a program; memory "
                f"{alone.grown[name] / MIB:6.0f} MB, stored {dataset.stored_bytes() / programs:6.1f} bytes a program"
            )
        single = Dataset(place, "twins").complete().ledger.cpu_s
    print(f"together {total / 60:.2f} CPU minutes")
    many = 100_000_000
    factor, planned = many / programs, len(parts(many, 4 * GIB))
    one = single * factor / 3600
    for cores in (32, 1_000):
        hours = (total - single) * factor / cores / 3600 + one
        print(f"{many:,} programs on {cores} cores: {hours:.1f} hours, {one:.2f} of them in one process")
    undivided = alone.grown["pairs"] * len(parts(programs, int(memory_gib * GIB))) * factor
    print(
        f"memory: pairs {undivided / planned / GIB:.1f} GiB in each of {planned} parts, planned with 4 GiB; twins "
        f"{alone.grown['twins'] * factor / GIB:.1f} GiB in its one process. The parts together read all signatures "
        f"{planned} times"
    )


@app.command()
def table(
    root: str = "runs/demo", driver_us: float = 20.0, reply_ms: float = 30.0, rows_per_shard: int = 1_000
) -> None:
    """Cores against hours for 100 M programs, by what a run has cost; `driver_us` per row is what `sweep` prints.

    `reply_ms`: how long an object store takes to answer; ledgers are read 16 at a time.
    """
    executed = Dataset(root, "executions").complete().ledger.rows_in
    samples = sum(dataset.complete().ledger.rows_out for dataset in sample_sets(root))
    heads = ("programs", "cores", "hours", "one process h", "driver h", "driver busy", "listing min")
    print(" ".join(f"{head:>13}" for head in heads))
    for programs in (1_000_000, 100_000_000):
        needs = capacity.needs(root, round(samples * programs / executed))
        rows = sum(need.rows_in for need in needs)
        divided = sum(need.cpu_hours for need in needs if not need.alone)
        alone = sum(need.cpu_hours for need in needs if need.alone)
        driver = driver_us * 1e-6 * rows / 3600
        listing = 2 * rows / rows_per_shard * reply_ms / 1000 / 16 / 60
        for cores in (32, 1_000):
            hours = divided / cores + alone
            facts = (
                f"{programs:,}",
                f"{cores:,}",
                f"{hours:.1f}",
                f"{alone:.1f}",
                f"{driver:.2f}",
                f"{driver / hours:.1%}",
                f"{listing:.1f}",
            )
            print(" ".join(f"{fact:>13}" for fact in facts))
    print("What breaks first has the largest share of the hours: stages of one process, then the driver, then listing.")


if __name__ == "__main__":
    quiet()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    app()
