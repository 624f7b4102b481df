"""The only module that knows paths: a root holds one directory of Parquet shards per stage.

    ROOT/<stage>/plan.json                   what the stage is going to do (its fingerprint), written first
    ROOT/<stage>/shard-00000.parquet         rows
    ROOT/<stage>/rejects/shard-00000.parquet refused rows, with reasons
    ROOT/<stage>/ledger/shard-00000.json     counts, costs and hash of that shard, and of the one that it was made from;
                                             its presence means it is complete
    ROOT/<stage>/manifest.json               hashes and totals, written last; its presence means the stage is complete

A root is a local path or any URI that pyarrow opens (s3://, gs://, fsspec+memory://). Every file appears whole or not
at all: it is written under a temporary name and moved. `ray_app.lock` keeps a second run away.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from ray_app import records
from ray_app.errors import InputError, StoreError

N = TypeVar("N")
R = TypeVar("R")
_TEMPORARY = ".tmp-"
_READERS = 16
_ROW_GROUP = 1_000
"""rows that are read together: who needs a few of a large shard does not read all of it"""
_ROW_GROUP_BYTES = 64 * 1024**2
"""what they hold at most, on average: fewer rows are read together where rows are large"""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What some rows cost: counts, CPU and wall seconds, tokens, US dollars. Ledgers add up with `+`."""

    rows_in: int = 0
    rows_out: int = 0
    rejects: Mapping[str, int] = field(default_factory=dict[str, int])
    cpu_s: float = 0.0
    wall_s: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0

    def __add__(self, other: "Ledger") -> "Ledger":
        sums = {
            f.name: getattr(self, f.name) + getattr(other, f.name)
            for f in dataclasses.fields(self)
            if f.name != "rejects"
        }
        rejects = dict(sorted((Counter(self.rejects) + Counter(other.rejects)).items()))
        return Ledger(rejects=rejects, **sums)


@dataclass(frozen=True, slots=True)
class Shard:
    """A complete shard: what it cost, the sha256 of its bytes, and that of the shard which it follows, if it does."""

    ledger: Ledger
    sha256: str
    made_from: str = ""

    def is_from(self, above: "Shard | None") -> bool:
        """Whether it was made from these bytes; None: it follows no other."""
        return self.made_from == (above.sha256 if above else "")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A complete dataset: `content` depends on the bytes of all shards and nothing else."""

    stage: str
    content: str
    shards: Mapping[str, str]
    """shard file name -> sha256"""
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Plan:
    """A stage's fingerprint, kept in parts so that a mismatch can say what differs."""

    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    code: Mapping[str, str]

    def digest(self) -> str:
        """A hash of all parts."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def difference(self, other: "Plan") -> str:
        """The first parts that differ, for a person: 'config.seed: 0 -> 1'; empty if equal."""
        found: list[str] = []
        for part in ("config", "inputs", "code"):
            ours, theirs = _flat(getattr(self, part)), _flat(getattr(other, part))
            for key in sorted(ours.keys() | theirs.keys()):
                if ours.get(key) != theirs.get(key):
                    change = "changed" if part == "code" else f"{ours.get(key)!r} -> {theirs.get(key)!r}"
                    found.append(f"{part}.{key}: {change}")
        return "; ".join(found[:4]) + (f"; and {len(found) - 4} more" if len(found) > 4 else "")


@dataclass(frozen=True, slots=True)
class Dataset:
    """The shards of one stage under a root. Cheap to create and to pickle; touches no file until asked."""

    root: str
    name: str

    @property
    def path(self) -> str:
        return f"{self.root}/{self.name}"

    def plan(self) -> Plan | None:
        found = self._read_json("plan.json")
        return None if found is None else Plan(**found)

    def manifest(self) -> Manifest | None:
        """The manifest, or None while the dataset is incomplete."""
        found = self._read_json("manifest.json")
        if found is None:
            return None
        return Manifest(found["stage"], found["content"], found["shards"], Ledger(**found["ledger"]))

    def complete(self) -> Manifest:
        """The manifest of a dataset that must be complete; else a StoreError with the remedy."""
        manifest = self.manifest()
        if manifest is None:
            raise StoreError(f"{self.path} is not complete; run its stage first (a rerun resumes where it stopped)")
        return manifest

    def write_plan(self, plan: Plan) -> None:
        """Without a look at what is there: see `begin`."""
        self._write_json("plan.json", dataclasses.asdict(plan))

    def begin(self, plan: Plan) -> None:
        """Claim the directory for `plan`; if it was begun with another plan, an InputError says what differs."""
        begin({self: plan})

    def finished_shards(self) -> dict[int, Shard]:
        """Complete shards by index."""
        indexes = [_index(name) for name in self._list("ledger", ".json")]
        found = zip(indexes, _side_by_side(self.finished_shard, indexes), strict=True)
        return {index: shard for index, shard in found if shard is not None}

    def finished_shard(self, index: int) -> Shard | None:
        """One shard, None while it is not complete."""
        found = self._read_json(f"ledger/{shard_name(index)}.json")
        try:
            return None if found is None else Shard(Ledger(**found["ledger"]), found["sha256"], found["made_from"])
        except (KeyError, TypeError) as error:
            raise StoreError(f"{self.path} was made by another version; delete it, or choose another --root") from error

    def write_shard(
        self,
        index: int,
        record: type[R],
        rows: Iterable[R],
        rejects: Iterable[records.Reject],
        ledger: Ledger,
        made_from: str = "",
    ) -> Shard:
        """Write one shard; its ledger comes last and marks it complete. `made_from`: the hash of the one it follows."""
        name = shard_name(index)
        self._write_table(f"rejects/{name}.parquet", records.to_table(records.Reject, rejects))
        shard = Shard(ledger, self._write_table(f"{name}.parquet", records.to_table(record, rows)), made_from)
        self._write_json(f"ledger/{name}.json", dataclasses.asdict(shard))
        return shard

    def finish(self, content: str = "", ledger: Ledger | None = None) -> Manifest:
        """Write the manifest, with the hash of every shard. A directory that holds something else (a trained model)
        gives its own `content` hash and `ledger`. Half-written files that killed runs left are removed."""
        for folder in ("", "rejects", "ledger"):
            for path in files(f"{self.path}/{folder}"):
                if _TEMPORARY in path:
                    delete_file(path)
        found = self.finished_shards()
        hashes = {f"{shard_name(index)}.parquet": shard.sha256 for index, shard in found.items()}
        total = ledger or sum((shard.ledger for shard in found.values()), Ledger())
        content = content or hashlib.sha256("".join(hashes.values()).encode()).hexdigest()[:16]
        manifest = Manifest(self.name, content, hashes, total)
        self._write_json("manifest.json", dataclasses.asdict(manifest))
        return manifest

    def reopen(self) -> None:
        """Take the manifest back: some of its shards are going to be made again."""
        delete_file(f"{self.path}/manifest.json")

    def shard_names(self) -> list[str]:
        return self._list("", ".parquet")

    def shard_paths(self) -> list[str]:
        return [f"{self.path}/{name}" for name in self.shard_names()]

    def stored_bytes(self) -> int:
        """The size of all shards, as they lie on the disk."""
        found = self._filesystem().get_file_info([self._local(name) for name in self.shard_names()])
        return sum(info.size or 0 for info in found)

    def row_counts(self) -> dict[str, int]:
        """Shard file name -> rows, from the footers."""
        names = self.shard_names()
        return dict(zip(names, _side_by_side(lambda name: self._footer(name).num_rows, names), strict=True))

    def read(self, record: type[R]) -> Iterator[R]:
        """All rows, shard by shard."""
        for name in self.shard_names():
            yield from self.read_slice(record, name)

    def read_slice(self, record: type[R], shard: str, offset: int = 0, rows: int | None = None) -> list[R]:
        """Rows `offset` .. `offset + rows` of one shard; a shard that cannot be read is a StoreError."""
        try:
            with self._filesystem().open_input_file(self._local(shard)) as source:
                table = _read_rows(pq.ParquetFile(source), offset, rows)
        except (OSError, pa.ArrowInvalid) as error:
            raise self._corrupt(shard, error) from error
        return records.from_table(record, table)

    def columns(self, *names: str) -> Iterator[pa.Table]:
        """Only these columns (or leaves of nested ones: "claims.list.element.holds"), one table per shard."""
        for shard in self.shard_names():
            yield self.columns_of(shard, *names)

    def columns_of(self, shard: str, *names: str) -> pa.Table:
        """The same of one shard."""
        try:
            with self._filesystem().open_input_file(self._local(shard)) as source:
                return pq.ParquetFile(source).read(columns=list(names))
        except (OSError, pa.ArrowInvalid) as error:
            raise self._corrupt(shard, error) from error

    def rejects(self) -> Iterator[records.Reject]:
        for name in self._list("rejects", ".parquet"):
            yield from self.read_slice(records.Reject, f"rejects/{name}")

    def _corrupt(self, shard: str, error: Exception) -> StoreError:
        reason = str(error).splitlines()[0]
        stem = shard.rsplit("/", 1)[-1].removesuffix(".parquet")
        return StoreError(
            f"{self.path}/{shard} is corrupt ({reason}); delete it, {self.path}/ledger/{stem}.json and "
            f"{self.path}/manifest.json, and run the stage again: only that shard is redone"
        )

    def _footer(self, shard: str) -> pq.FileMetaData:
        try:
            with self._filesystem().open_input_file(self._local(shard)) as source:
                return pq.read_metadata(source)
        except (OSError, pa.ArrowInvalid) as error:
            raise self._corrupt(shard, error) from error

    def _filesystem(self) -> fs.FileSystem:
        return resolve(self.root)[0]

    def _local(self, name: str) -> str:
        return f"{resolve(self.root)[1]}/{self.name}/{name}".rstrip("/")

    def _list(self, folder: str, suffix: str) -> list[str]:
        selector = fs.FileSelector(self._local(folder), allow_not_found=True)
        found = self._filesystem().get_file_info(selector)
        names = [f.base_name for f in found if f.base_name.startswith("shard-") and f.base_name.endswith(suffix)]
        return sorted(names, key=_index)

    def _read_bytes(self, name: str) -> bytes:
        with self._filesystem().open_input_stream(self._local(name)) as source:
            return source.read()

    def _read_json(self, name: str) -> dict[str, Any] | None:
        try:
            return json.loads(self._read_bytes(name))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise StoreError(f"{self.path}/{name} is not valid JSON ({error}); delete it and run again") from error

    def _write_json(self, name: str, value: Any) -> None:
        self._write(name, (json.dumps(value, indent=1, default=str) + "\n").encode())

    def _write_table(self, name: str, table: pa.Table) -> str:
        """The sha256 of what was written."""
        sink = pa.BufferOutputStream()
        together = min(_ROW_GROUP, max(1, _ROW_GROUP_BYTES * len(table) // max(1, table.nbytes)))
        pq.write_table(table, sink, compression="zstd", row_group_size=together)
        data = sink.getvalue()
        self._write(name, data)
        return hashlib.sha256(data).hexdigest()

    def _write(self, name: str, data: "bytes | pa.Buffer") -> None:
        write_file(f"{self.path}/{name}", data)


def _read_rows(file: pq.ParquetFile, offset: int, rows: int | None) -> pa.Table:
    """Rows `offset` .. `offset + rows`, from the row groups that hold them."""
    groups, first, begin = list[int](), offset, 0
    for group in range(file.num_row_groups):
        end = begin + file.metadata.row_group(group).num_rows
        if end > offset and (rows is None or begin < offset + rows):
            groups.append(group)
            first = min(first, begin)
        begin = end
    return file.read_row_groups(groups).slice(offset - first, rows)


def begin(plans: Mapping[Dataset, Plan]) -> None:
    """Claim the directories for these plans, or none; an InputError says which were begun with another, and how."""
    found = {dataset: dataset.plan() for dataset in plans}
    others = {d: difference for d, old in found.items() if old and (difference := old.difference(plans[d]))}
    if others:
        first, paths = next(iter(others)), ", ".join(dataset.path for dataset in others)
        raise InputError(
            f"{first.path} holds another run ({others[first]}); choose another --root, or delete {paths} to redo it"
        )
    for dataset, old in found.items():
        if old is None:
            dataset.write_plan(plans[dataset])


def shard_name(index: int) -> str:
    return f"shard-{index:05d}"


def _index(name: str) -> int:
    return int(name.removeprefix("shard-").split(".")[0])


def _side_by_side(read: Callable[[N], R], names: Sequence[N]) -> list[R]:
    """`read` of each name, in order; an object store answers slowly but many at a time."""
    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(read, names))


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} -> {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def resolve(root: str) -> tuple[fs.FileSystem, str]:
    """The filesystem of a root and the root's path in it. Local paths become absolute."""
    if "://" not in root:
        return fs.LocalFileSystem(), os.path.abspath(Path(root).expanduser())
    try:
        return fs.FileSystem.from_uri(root)
    except (OSError, pa.ArrowInvalid) as error:
        raise StoreError(f"cannot open {root!r}: {error}; use a local path, s3:// or gs://") from error


def open_root(root: str) -> str:
    """Check that `root` can be written, creating it; returns it in absolute form. Else a StoreError."""
    filesystem, path = resolve(root)
    probe = f"{path}/.write-{uuid.uuid4().hex}"
    try:
        filesystem.create_dir(path)
        with filesystem.open_output_stream(probe) as sink:
            sink.write(b"")
        filesystem.delete_file(probe)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error).split(". Detail", 1)[0]
        raise StoreError(f"cannot write to root {root!r}: {reason}; choose another --root") from error
    return root.rstrip("/") if "://" in root else path


def read_file(path: str) -> bytes | None:
    """The bytes of a file at a local path or URI, None where there is none."""
    filesystem, target = resolve(path)
    try:
        with filesystem.open_input_stream(target) as source:
            return source.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error}; check the root and your access to it") from error


def folders(path: str) -> list[str]:
    """The names of the folders in a folder, sorted; none where it does not exist."""
    filesystem, target = resolve(path)
    found = filesystem.get_file_info(fs.FileSelector(target, allow_not_found=True))
    return sorted(info.base_name for info in found if info.type == fs.FileType.Directory)


def files(path: str, suffix: str = "") -> list[str]:
    """The files in a folder whose names end in `suffix`, as paths or URIs, sorted; none where it does not exist."""
    filesystem, target = resolve(path)
    found = filesystem.get_file_info(fs.FileSelector(target, allow_not_found=True))
    names = sorted(info.base_name for info in found if info.type == fs.FileType.File)
    return [f"{path.rstrip('/')}/{name}" for name in names if name.endswith(suffix)]


def upload(folder: Path, place: str) -> None:
    """Copy a folder's files to a folder at a URI, those named config.json last: by it others know that all is there."""
    filesystem, target = resolve(place)
    found = sorted(
        (path for path in folder.rglob("*") if path.is_file()), key=lambda path: (path.name == "config.json", path)
    )
    try:
        for path in found:
            there = f"{target}/{path.relative_to(folder).as_posix()}"
            filesystem.create_dir(there.rsplit("/", 1)[0])
            fs.copy_files(str(path), there, destination_filesystem=filesystem)
    except OSError as error:
        raise StoreError(f"cannot write {place}: {error}; see to your access to it") from error


def delete_file(path: str) -> None:
    """Delete a file at a local path or URI, if it is there."""
    filesystem, target = resolve(path)
    with contextlib.suppress(FileNotFoundError):
        filesystem.delete_file(target)


def write_file(path: str, data: "bytes | pa.Buffer") -> None:
    """Write a file at a local path or URI so that it appears whole or not at all."""
    filesystem, target = resolve(path)
    temporary = f"{target}{_TEMPORARY}{uuid.uuid4().hex}"
    try:
        filesystem.create_dir(target.rsplit("/", 1)[0])
        with filesystem.open_output_stream(temporary) as sink:
            sink.write(data)
        filesystem.move(temporary, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            filesystem.delete_file(temporary)
        raise StoreError(f"cannot write {path}: {error}; free some space or choose another --root") from error
