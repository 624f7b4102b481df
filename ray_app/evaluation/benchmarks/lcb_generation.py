"""LiveCodeBench, code generation (Jain et al. 2024, arXiv 2403.07974): contest problems, dated, with hidden tests.

The releases are cumulative: release_v3 is the files test.jsonl, test2.jsonl and test3.jsonl. Score a window of time
that begins after a model's training data ends: `benchmarks.load(..., window="2024-08-01..")`.
"""

import base64
import hashlib
import io
import json
import pickle
import zlib
from pathlib import Path
from typing import Any, NoReturn

from ray_app.errors import InputError
from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.sources import Opened, Source, open_source

NAME = "lcb_generation"
_RELEASES = 6
_HUB = "https://huggingface.co/datasets/livecodebench/code_generation_lite/resolve/main"
_KEYS = ("question_id", "question_content", "public_test_cases", "private_test_cases", "metadata", "contest_date")
_PACKED_LIMIT = 512 * 1024 * 1024


def _source(release: int) -> Source:
    name = f"test{release if release > 1 else ''}.jsonl"
    return Source((name, f"{name}.gz"), f"{_HUB}/{name}", _KEYS)


def load(data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """The problems of all files that the folder has, or of the file `data`; every release from the hub (gigabytes)."""
    opened = _opened(data, any_version=any_version)
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    for one in opened:
        md5.update(one.md5.encode())
        sha256.update(one.sha256.encode())
    version = "unpinned" if data is not None and data.is_file() else f"release_v{len(opened)}"
    items = tuple(_item(row) for one in opened for row in one.rows)
    origin = ", ".join(one.origin for one in opened)
    return Benchmark(NAME, version, md5.hexdigest(), sha256.hexdigest(), origin, items)


def _opened(data: Path | None, *, any_version: bool) -> list[Opened]:
    """The files in the order of the releases; the first is a must, and none after a gap is read."""
    if data is not None and data.is_file():
        return [open_source(NAME, _source(1), data, any_version=any_version)]
    found: list[Opened] = []
    for release in range(1, _RELEASES + 1):
        source = _source(release)
        if release > 1 and data is not None and not any((data / name).is_file() for name in source.patterns):
            break
        found.append(open_source(NAME, source, data, any_version=any_version))
    return found


def _item(row: dict[str, Any]) -> Item:
    where = str(row["question_id"])
    tests = [*_cases(where, row["public_test_cases"]), *_cases(where, row["private_test_cases"])]
    entry = str(_object(where, row["metadata"]).get("func_name") or "")
    starter = str(row.get("starter_code") or "")
    return Item(
        id=where,
        task="code",
        code="",
        entry=entry,
        gold="",
        description=f"{row['question_content']}\n\nBegin with:\n\n{starter}" if starter else row["question_content"],
        tests=json.dumps({"inputs": [t["input"] for t in tests], "outputs": [t["output"] for t in tests]}),
        group=str(row.get("difficulty", "")),
        date=str(row["contest_date"]),
    )


def _cases(where: str, given: str) -> list[dict[str, str]]:
    """The tests of a cell: JSON, or JSON that was pickled, deflated and written in base64."""
    try:
        text = given if given.lstrip().startswith("[") else _unpacked(given)
        cases: list[dict[str, str]] = json.loads(text)
    except (ValueError, zlib.error, pickle.UnpicklingError, EOFError) as error:
        raise InputError(f"{where}: its tests cannot be read ({error})") from error
    return cases


def _unpacked(given: str) -> str:
    inflater = zlib.decompressobj()
    content = inflater.decompress(base64.b64decode(given), _PACKED_LIMIT)
    if inflater.unconsumed_tail:
        raise ValueError("larger than 512 MiB")
    return _TextOnly(io.BytesIO(content)).load()


class _TextOnly(pickle.Unpickler):
    """Reads a pickled text: a pickle that names anything to import is refused, so none can run code."""

    def find_class(self, module_name: str, global_name: str, /) -> NoReturn:
        raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}")


def _object(where: str, given: str) -> dict[str, Any]:
    try:
        found: Any = json.loads(given or "{}")
    except ValueError as error:
        raise InputError(f"{where}: its metadata is not JSON ({error})") from error
    return found
