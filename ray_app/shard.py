"""Make shards: read the input rows, call the stage's worker, write rows, rejects and costs.

A row for which the worker raises becomes a Reject with a reason that begins with `RAISED`, and the others come out as
if it were not there. No Ray here: `ray_app.runner` calls this in the processes of its pool.
"""

import os
import socket
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import psutil

from ray_app import telemetry
from ray_app.errors import LaneMismatch, SandboxError, SemrayError
from ray_app.records import Reject, content_id, to_table
from ray_app.stage import Spend, Stage
from ray_app.store import Dataset, Ledger, Shard, shard_name

ATTEMPTS = 10
"""how often a shard is begun before the run is given up: a row may not kill workers or sandboxes for ever"""
RAISED = "error: "
"""How the reason of a row begins for which the worker raised; the name of the exception follows."""
_OF_THE_MACHINE = (SemrayError, OSError, MemoryError)
"""what a worker raises when no row is to blame"""


@dataclass(frozen=True, slots=True)
class Unit:
    """The input of one output shard: slices of input shards, or literal rows."""

    shard: int
    slices: tuple[tuple[Dataset, str, int, int | None], ...] = ()
    """(dataset, shard file, offset, rows; None: to the end)"""
    rows: tuple[Any, ...] = ()
    first: int = 0
    """the place of its first row among all input rows"""


def units(rows_per_shard: int | None, inputs: Sequence[Dataset], rows: Sequence[Any]) -> list[Unit]:
    """How the input is cut: into consecutive runs of at most `rows_per_shard` rows; small input shards are joined."""
    if rows:
        size = rows_per_shard or len(rows)
        return [Unit(i // size, rows=tuple(rows[i : i + size]), first=i) for i in range(0, len(rows), size)]
    shards = [(d, name, count) for d in inputs for name, count in d.row_counts().items() if count]
    if rows_per_shard is None:
        return [Unit(0, slices=tuple((d, name, 0, count) for d, name, count in shards))]
    runs: list[list[tuple[Dataset, str, int, int]]] = []
    room = 0
    for d, name, count in shards:
        for offset in range(0, count, rows_per_shard):
            rows_here = min(rows_per_shard, count - offset)
            if rows_here > room:
                runs.append([])
                room = rows_per_shard
            runs[-1].append((d, name, offset, rows_here))
            room -= rows_here
    ends = accumulate(sum(count for *_, count in run) for run in runs)
    firsts = [0, *ends][: len(runs)]
    return [Unit(i, slices=tuple(run), first=first) for i, (run, first) in enumerate(zip(runs, firsts, strict=True))]


def make(stages: Sequence[Stage[Any, Any, Any]], root: str, unit: Unit) -> dict[str, Shard]:
    """Bring the unit's shard of the first stage to completion, and those that follow from it; by name of the stage.

    What is there already stays, unless the shard that it was made from is another now. A SemrayError says where.
    """
    made: dict[str, Shard] = {}
    for stage in stages:
        dataset, above = Dataset(root, stage.name), made.get(stage.follows)
        if above:
            whole = Dataset(root, stage.follows), f"{shard_name(unit.shard)}.parquet", 0, None
            unit = Unit(unit.shard, slices=(whole,))
        found = dataset.finished_shard(unit.shard)
        if found is None or not found.is_from(above):
            found = _make(stage, dataset, unit, above.sha256 if above else "")
        made[stage.name] = found
    return made


class _Feed:
    """The rows of a shard on their way into the worker, where it is, and the rows that it must not see again."""

    def __init__(self, stage: Stage[Any, Any, Any], unit: Unit) -> None:
        self._stage, self._unit = stage, unit
        self._in_shards = bool(stage.rows_per_shard or stage.follows)
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
                yield self._given(index, row)

    def _given(self, index: int, row: Any) -> Any:
        """What the worker gets of a row."""
        return (self._unit.first + index, row) if self._stage.numbered else row

    def refuse_what_raises(self) -> bool:
        """Refuse every row taken so far for which the worker raises also when it comes alone; whether there were any.

        Of a stage without shards, which would begin anew for every row, only the last one is tried.
        """
        taken = [index for index in range(self._taken) if index not in self._refused]
        found = {index: self._alone(index) for index in (taken if self._in_shards else taken[-1:])}
        raised = {index: reject for index, reject in found.items() if reject is not None}
        self._refused |= raised
        return bool(raised)

    def _alone(self, index: int) -> Reject | None:
        stage, row = self._stage, self._rows[index]
        try:
            made = [
                one
                for one in stage.worker(iter([self._given(index, row)]), stage.config)
                if not isinstance(one, Reject | Spend)
            ]
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


def _make(stage: Stage[Any, Any, Any], dataset: Dataset, unit: Unit, made_from: str) -> Shard:
    """Make one shard and write it, again without the rows that raise where some do."""
    feed = _Feed(stage, unit)
    started, cpu = time.monotonic(), _cpu_seconds()

    def attempt() -> Shard:
        rows, rejects, ledger = _with_sandbox(stage, feed)
        ledger = ledger + Ledger(cpu_s=_cpu_seconds() - cpu, wall_s=time.monotonic() - started)
        return dataset.write_shard(unit.shard, stage.writes, rows, rejects, ledger, made_from)

    try:
        shard = _until_nothing_raises(attempt, feed)
    except SemrayError as error:
        raise type(error)(f"{feed}: {error}") from error
    except Exception as error:
        error.add_note(f"in {feed}")
        raise
    telemetry.shard_made(stage.name, shard.ledger)
    return shard


def _until_nothing_raises(attempt: Callable[[], Shard], feed: _Feed) -> Shard:
    while True:
        try:
            return attempt()
        except _OF_THE_MACHINE:
            raise
        except Exception:
            if not feed.refuse_what_raises():
                raise


def _with_sandbox(stage: Stage[Any, Any, Any], feed: _Feed) -> tuple[list[Any], list[Reject], Ledger]:
    """`_work`, again with a new sandbox where one died under it (out of memory, killed)."""
    for _ in range(ATTEMPTS - 1):
        try:
            return _work(stage, feed)
        except LaneMismatch:
            raise
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
