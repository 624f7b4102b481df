"""Where benchmark files come from: a local folder, an installed package, or the public hub; and their version."""

import gzip
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from ray_app.errors import InputError


@dataclass(frozen=True, slots=True)
class Source:
    """The file behind a benchmark: names it may have (glob patterns), public URL, and releases known by sha256.

    `required` are the keys that every row must have. A source without `releases` is never refused for its version.
    """

    patterns: tuple[str, ...]
    url: str
    required: tuple[str, ...]
    releases: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Opened:
    """The rows of a file, with the hashes of its unpacked bytes and the release they belong to."""

    rows: list[dict[str, Any]]
    version: str
    md5: str
    sha256: str
    origin: str


def open_source(
    name: str, source: Source, data: Path | None, *, any_version: bool = False, packaged: Path | None = None
) -> Opened:
    """The file of benchmark `name`, from `data` (the folder or one below it) if given, else `packaged`, else the hub.

    InputError if it is missing, unreadable, lacks a required key, or is not a known release (unless `any_version`).
    """
    path, content = _find(name, source, data, packaged)
    digest = hashlib.sha256(content).hexdigest()
    version = source.releases.get(digest, "unpinned")
    if version == "unpinned" and source.releases and not any_version:
        known = ", ".join(f"{release} ({sha[:12]})" for sha, release in source.releases.items())
        raise InputError(
            f"{path} is not a known version of {name}: its sha256 is {digest[:12]}, known: {known};"
            " fetch that version, or pass --any-version to grade against this file"
        )
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Opened(_rows(path, content, source.required), version, md5, digest, path)


def _find(name: str, source: Source, data: Path | None, packaged: Path | None) -> tuple[str, bytes]:
    if data is not None:
        path = _choose(name, source, data)
    elif packaged is not None and packaged.is_file():
        path = packaged
    else:
        path = _download(name, source)
    return str(path), unpacked(path)


def _choose(name: str, source: Source, data: Path) -> Path:
    """The one matching file in the folder or one level below; of several, the one of a known release."""
    if data.is_file():
        return data
    if not data.is_dir():
        raise InputError(f"benchmark folder {data} does not exist; pass --data DIR")
    found = sorted({path for pattern in source.patterns for path in (*data.glob(pattern), *data.glob(f"*/{pattern}"))})
    if not found:
        raise InputError(
            f"no file for benchmark {name} in {data}: expected {' or '.join(source.patterns)} there or one folder below"
        )
    if len(found) == 1:
        return found[0]
    pinned = [path for path in found if hashlib.sha256(unpacked(path)).hexdigest() in source.releases]
    if len(pinned) == 1:
        return pinned[0]
    raise InputError(
        f"several files for benchmark {name} in {data}: {', '.join(map(str, found))}; name one with --data"
    )


def unpacked(path: Path) -> bytes:
    """The bytes of a file, gunzipped if it is named .gz; InputError if it cannot be read."""
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError) as error:
        raise InputError(f"cannot read {path}: {error}") from error


def cache_folder() -> Path:
    """$SEMRAY_CACHE, or ~/.cache/semray."""
    return Path(os.environ.get("SEMRAY_CACHE") or Path.home() / ".cache" / "semray")


def _download(name: str, source: Source) -> Path:
    """Fetches the public file once, into the cache."""
    target = cache_folder() / "benchmarks" / name / source.url.rsplit("/", 1)[1]
    if target.is_file():
        return target
    try:
        reply = httpx.get(source.url, follow_redirects=True, timeout=60).raise_for_status()
    except httpx.HTTPError as error:
        raise InputError(
            f"cannot fetch benchmark {name} from {source.url} ({error});"
            f" download {source.patterns[0]} and pass --data DIR"
        ) from error
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(reply.content)
    partial.replace(target)
    return target


def _rows(path: str, content: bytes, required: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of JSON lines, of one JSON array, or of a Parquet file; each has the required keys."""
    rows: list[dict[str, Any]] = []
    for where, row in _read(path, content):
        missing = [key for key in required if not isinstance(row, dict) or key not in row]
        if missing:
            raise InputError(f"{where}: no {', '.join(missing)}; this is not the expected benchmark file")
        rows.append(row)
    if not rows:
        raise InputError(f"{path} holds no rows")
    return rows


def _read(path: str, content: bytes) -> Iterator[tuple[str, Any]]:
    """Each row with the place that errors name."""
    if content.startswith(b"PAR1"):
        yield from ((f"{path}, row {number}", row) for number, row in enumerate(_parquet(path, content), 1))
    elif content.lstrip().startswith(b"["):
        array: Any = _json(path, content)
        yield from ((f"{path}, element {number}", row) for number, row in enumerate(array, 1))
    else:
        lines = ((f"{path}, line {number}", line) for number, line in enumerate(content.splitlines(), 1))
        yield from ((where, _json(where, line)) for where, line in lines if line.strip())


def _parquet(path: str, content: bytes) -> list[dict[str, Any]]:
    try:
        return pq.read_table(io.BytesIO(content)).to_pylist()
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: not a Parquet file ({error})") from error


def _json(where: str, text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"{where}: not JSON ({error})") from error
