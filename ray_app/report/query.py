"""Searching the shards of a run without loading them: one row group at a time, only the columns that are asked for.

A path names a leaf of a nested column as Parquet does: "program.source", "executions.list.element.status". A row is
found by its place, (shard number, row in the shard), which also serves as the cursor of the next page.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from ray_app.errors import StoreError
from ray_app.store import resolve

pc: Any = pyarrow.compute  # its functions are made at import time: no stubs know them

Place = tuple[int, int]


class Missing(Exception):
    """There is no such row or page; its text says so to the reader."""


@dataclass(frozen=True, slots=True)
class Query:
    """Rows whose leaf at each path of `exact` equals the value, and of which one of the leaves `within` holds `text`
    (in any case). Of a list, one element that matches is enough. An empty query matches every row."""

    exact: Mapping[str, str] = field(default_factory=dict[str, str])
    text: str = ""
    within: tuple[str, ...] = ()

    @property
    def paths(self) -> list[str]:
        return list(dict.fromkeys([*self.exact, *(self.within if self.text else ())]))


@dataclass(frozen=True, slots=True)
class Found:
    """Places in order, and where to go on: None at the end of the data. `scanned` rows were looked at."""

    places: tuple[Place, ...]
    more: Place | None
    scanned: int


def search(shards: Sequence[str], query: Query, *, start: Place = (0, 0), limit: int, seconds: float) -> Found:
    """The first `limit` matches from `start` on; fewer, with `more` set, where `seconds` did not suffice.

    At least one row group is searched however slow the machine is, so going on from `more` always ends.
    """
    deadline = time.monotonic() + seconds
    places: list[Place] = []
    scanned = 0
    for number, group, base, file in _groups(shards, start):
        rows = file.metadata.row_group(group).num_rows
        if scanned and time.monotonic() > deadline:
            return Found(tuple(places), (number, base), scanned)
        if not _possible(file, group, query):
            continue
        scanned += rows
        for row in _matching(file, group, query):
            place = (number, base + row)
            if place < start:
                continue
            if len(places) == limit:
                return Found(tuple(places), place, scanned)
            places.append(place)
    return Found(tuple(places), None, scanned)


def rows(shards: Sequence[str], places: Sequence[Place], columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The rows at these places (all columns, or the given paths), in the order of the places."""
    found: dict[Place, dict[str, Any]] = {}
    by_group: dict[tuple[int, int], tuple[pq.ParquetFile, list[tuple[Place, int]]]] = {}
    for place in places:
        file, group, row = _locate(shards, place)
        by_group.setdefault((place[0], group), (file, []))[1].append((place, row))
    for (_, group), (file, wanted) in by_group.items():
        table = file.read_row_group(group, columns=None if columns is None else list(columns))
        taken = table.take(pa.array([row for _, row in wanted]))
        found.update(zip([place for place, _ in wanted], taken.to_pylist(), strict=True))
    return [found[place] for place in places]


def table_at(shards: Sequence[str], place: Place) -> pa.Table:
    """One row with all its columns. Missing if there is no such row."""
    file, group, row = _locate(shards, place)
    return file.read_row_group(group).slice(row, 1)


def distinct(shards: Sequence[str], path: str, *, seconds: float, most: int = 40) -> list[str]:
    """Values that occur at a path, sorted: of as many rows as `seconds` allows, at most `most`."""
    deadline = time.monotonic() + seconds
    found: set[Any] = set()
    for _, group, _, file in _groups(shards, (0, 0)):
        if time.monotonic() > deadline or len(found) >= most:
            break
        values, _ = leaf(file.read_row_group(group, columns=[path]), path)
        found.update(pc.unique(values).to_pylist())
    return [text_of(value) for value in sorted(found - {None})[:most]]


def text_of(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def leaf(table: pa.Table, path: str) -> tuple[Any, Any]:
    """The values at a path, and for each the row that it belongs to (None: one value per row)."""
    name, *inner = path.split(".")
    values: Any = table[name].combine_chunks()
    parents: Any = None
    for part in inner:
        if part == "list":
            owners = pc.list_parent_indices(values)
            parents = owners if parents is None else parents.take(owners)
            values = pc.list_flatten(values)
        elif part != "element":
            values = pc.struct_field(values, part)
    return values, parents


def _matching(file: pq.ParquetFile, group: int, query: Query) -> Iterator[int]:
    count = file.metadata.row_group(group).num_rows
    if not query.paths:
        yield from range(count)
        return
    table = file.read_row_group(group, columns=query.paths)
    kept = set(range(count))
    for path, value in query.exact.items():
        kept &= _hits(table, path, lambda values, wanted=value: pc.equal(values, _typed(wanted, values.type)))
    if query.text:
        kept &= set[int]().union(*(_hits(table, path, lambda v: _holding(v, query.text)) for path in query.within))
    yield from sorted(kept)


def _hits(table: pa.Table, path: str, test: Any) -> set[int]:
    values, parents = leaf(table, path)
    hit = pc.fill_null(test(values), False)
    if parents is None:
        return set(pc.indices_nonzero(hit).to_pylist())
    return set(parents.filter(hit).to_pylist())


def _holding(values: Any, text: str) -> Any:
    return pc.match_substring(values, text, ignore_case=True)


def _typed(text: str, kind: pa.DataType) -> Any:
    """The text as a value of a column's type; a text that is none matches nothing."""
    try:
        return pa.scalar(text).cast(kind)
    except pa.ArrowInvalid:
        return pa.scalar(None, kind)


def _possible(file: pq.ParquetFile, group: int, query: Query) -> bool:
    """False if the statistics of a row group show that no row of it can match."""
    chunks = file.metadata.row_group(group)
    for index in range(chunks.num_columns):
        column = chunks.column(index)
        wanted, statistics = query.exact.get(column.path_in_schema), column.statistics
        if wanted is None or statistics is None or not statistics.has_min_max:
            continue
        low, high = text_of(statistics.min), text_of(statistics.max)
        if isinstance(statistics.min, str) and not low <= wanted <= high:
            return False
        if (
            isinstance(statistics.min, int)
            and wanted.isdecimal()
            and not statistics.min <= int(wanted) <= statistics.max
        ):
            return False
    return True


def _groups(shards: Sequence[str], start: Place) -> Iterator[tuple[int, int, int, pq.ParquetFile]]:
    """(shard number, row group, its first row, file) of every row group that does not end before `start`."""
    for number in range(start[0], len(shards)):
        with _open(shards[number]) as file:
            base = 0
            for group in range(file.num_row_groups):
                end = base + file.metadata.row_group(group).num_rows
                if (number, end) > start:
                    yield number, group, base, file
                base = end


def _locate(shards: Sequence[str], place: Place) -> tuple[pq.ParquetFile, int, int]:
    number, row = place
    if 0 <= number < len(shards) and row >= 0:
        file = _open(shards[number])
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if row < count:
                return file, group, row
            row -= count
    raise Missing(f"there is no row {place[1]} in shard {place[0]}; start again from the list")


def _open(path: str) -> pq.ParquetFile:
    filesystem, target = resolve(path)
    try:
        return pq.ParquetFile(filesystem.open_input_file(target))
    except (OSError, pa.ArrowInvalid) as error:
        reason = str(error).splitlines()[0]
        raise StoreError(f"{path} cannot be read ({reason}); run its stage again") from error
