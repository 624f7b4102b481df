"""The four stages from programs of all sources to those worth executing, as workers.

    signatures   Program -> Signature            row by row
    pairs        Part -> Pairs                   each part looks at the bands of all programs
    twins        Total -> Twins                  one process, over pairs and not over programs
    programs     numbered Programs -> Program    row by row: what is no twin, and no benchmark problem

Workers that compare rows with each other read a dataset by themselves (`stage.Reference`), column by column. A
program's number is its place among all rows of the sources; signatures have the same places.
"""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ray_app.programs.benchmarks import load_benchmark
from ray_app.programs.decontaminate import Gate, GateConfig
from ray_app.programs.select.index import repeated
from ray_app.programs.select.keep import kept
from ray_app.programs.select.pairs import Part, Places, Runs, find
from ray_app.programs.select.signature import Banding, Hashes, Signer
from ray_app.records import Pairs, Program, Reject, Signature, Twins
from ray_app.stage import WHERE, Reference
from ray_app.store import Dataset

STRETCH = 65_536
"""programs whose twins make one row"""
_PAIRS_PER_ROW = 1_000_000


@dataclass(frozen=True, slots=True)
class SelectConfig:
    """Two programs are near-duplicates from a Jaccard similarity of `threshold` on; `banding` decides how many of them
    are found, `memory_gib` how much one worker may hold while it looks for them.

    `benchmarks` are the files whose problems are kept out; without any, nothing is checked for contamination.
    """

    threshold: float = 0.8
    banding: Banding = field(default_factory=Banding)
    memory_gib: float = field(default=1.0, metadata=WHERE)
    benchmarks: tuple[str, ...] = ()
    gate: GateConfig = field(default_factory=GateConfig)


def sign(programs: Iterable[Program], config: Banding) -> Iterator[Signature]:
    """One signature per program, whatever its code is."""
    signer = Signer(config)
    for program in programs:
        runs = signer.runs(program.code)
        yield Signature(program.id, runs.astype("<u4").tobytes(), signer.bands(runs).astype("<u8").tobytes())


@dataclass(frozen=True, slots=True)
class Comparing:
    """What is compared, and from which similarity on it is alike."""

    signatures: Reference
    threshold: float


def compare(given: Iterable[Part], config: Comparing) -> Iterator[Pairs]:
    """The pairs of each part."""
    for part in given:
        signatures = _Signatures(config.signatures.open())
        found = find(signatures.bands(), part, config.threshold, signatures.runs)
        for same, keys in ((True, found.same), (False, found.near)):
            for start in range(0, len(keys), _PAIRS_PER_ROW):
                yield Pairs(same, keys[start : start + _PAIRS_PER_ROW].astype("<u8").tobytes())


@dataclass(frozen=True, slots=True)
class Total:
    """How many programs there are."""

    programs: int


@dataclass(frozen=True, slots=True)
class Naming:
    """The pairs, and where their programs' ids stand."""

    pairs: Reference
    signatures: Reference


def name_twins(given: Iterable[Total], config: Naming) -> Iterator[Twins]:
    """The programs that repeat an earlier one, and its id; a row per stretch of programs that holds any."""
    for total in given:
        repeats = kept(total.programs, *_pairs(config.pairs.open()))
        refused = np.flatnonzero(repeats != np.arange(len(repeats)))
        ids = _Signatures(config.signatures.open()).ids(np.unique(repeats[refused]))
        stretches = refused // STRETCH
        for stretch in np.unique(stretches).tolist():
            here = refused[stretches == stretch]
            which = (here - stretch * STRETCH).astype("<u2").tobytes()
            yield Twins(stretch * STRETCH, which, tuple(ids[place] for place in repeats[here].tolist()))


@dataclass(frozen=True, slots=True)
class Selecting:
    """What is refused: the twins, and what the benchmarks of `select` hold."""

    select: SelectConfig
    twins: Reference


def select(programs: Iterable[tuple[int, Program]], config: Selecting) -> Iterator[Program | Reject]:
    """The programs that are worth executing: without near-duplicates and benchmark problems."""
    gate = _gate(config.select.benchmarks, config.select.gate) if config.select.benchmarks else None
    for number, program in programs:
        earlier = _twins(config.twins, number // STRETCH).get(number)
        if earlier is not None:
            yield repeated(program, earlier)
        elif gate is None:
            yield program
        else:
            yield from gate.admit([program])


@functools.lru_cache(maxsize=1)
def _gate(benchmarks: tuple[str, ...], config: GateConfig) -> Gate:
    return Gate([load_benchmark(path) for path in benchmarks], config)


@functools.lru_cache(maxsize=2)
def _twins(twins: Reference, stretch: int) -> dict[int, str]:
    """Number -> id of the earlier program, of one stretch."""
    dataset = twins.open()
    for shard in dataset.shard_names():
        firsts = dataset.columns_of(shard, "first")["first"].to_pylist()
        if stretch * STRETCH in firsts:
            (row,) = dataset.read_slice(Twins, shard, firsts.index(stretch * STRETCH), 1)
            places = np.frombuffer(row.which, "<u2").astype(np.int64) + row.first
            return dict(zip(places.tolist(), row.of, strict=True))
    return {}


def _pairs(dataset: Dataset) -> tuple[Hashes, Hashes]:
    """All pairs: of equal sets, and of near-duplicates."""
    same, near = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
    for row in dataset.read(Pairs):
        (same if row.same else near).append(np.frombuffer(row.keys, "<u8"))
    return np.concatenate(same), np.concatenate(near)


class _Signatures:
    """The columns of a dataset of signatures as arrays."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._shards = dataset.row_counts()

    def bands(self) -> Iterator[Hashes]:
        """(programs, bands + 1) of each shard."""
        for shard, rows in self._shards.items():
            if rows:
                (values,) = self._blobs(shard, "bands", "<u8", slice(None))
                yield values.reshape(rows, -1)

    def runs(self, places: Places) -> Runs:
        """The sets of the programs at these places, which are sorted."""
        return [runs for shard, at in self._at(places) for runs in self._blobs(shard, "runs", "<u4", at)]

    def ids(self, places: Places) -> dict[int, str]:
        """Place -> id."""
        found: dict[int, str] = {}
        for shard, at in self._at(places):
            column = self._dataset.columns_of(shard, "id")["id"]
            first = len(found)
            taken = column.take(pa.array(at)).to_pylist()
            found |= dict(zip(places[first : first + len(at)].tolist(), taken, strict=True))
        return found

    def _at(self, places: Places) -> Iterator[tuple[str, Places]]:
        """The shards that hold any of these places, and where in them."""
        begin = 0
        for shard, rows in self._shards.items():
            low, high = np.searchsorted(places, [begin, begin + rows])
            if low < high:
                yield shard, places[low:high] - begin
            begin += rows

    def _blobs(self, shard: str, name: str, kind: str, at: Any) -> Iterator[npt.NDArray[Any]]:
        """The values of a binary column as numbers: of all rows in one piece, or of the rows at some places."""
        column = self._dataset.columns_of(shard, name)[name].combine_chunks()
        if isinstance(at, slice):
            offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
            yield np.frombuffer(column.buffers()[2], np.uint8)[offsets[0] : offsets[-1]].view(kind)
        else:
            yield from (np.frombuffer(blob, kind) for blob in column.take(pa.array(at)).to_pylist())
