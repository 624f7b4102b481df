"""Where mined code lies: source trees, wheels and Parquet columns, with the licence of every file.

Origins are relative ("python3.11:textwrap.py", "sympy==1.14.0:sympy/core/power.py"), so the same package gives the same
rows on every machine.
"""

import os
import re
import sys
import sysconfig
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from typing import cast

import pyarrow.parquet as pq

from ray_app.errors import InputError

UNSTATED = "unstated"
"""The licence of a distribution that states none, and of a user's own tree."""

_SKIPPED_FOLDERS = frozenset({"__pycache__", "_vendor", "vendor", "vendored", "third_party", "node_modules", "extern"})
# Whole words: "mit" also stands in "limited".
_PERMISSIVE = re.compile(
    r"\b(mit|0?bsd|\d-clause bsd|apache|psf|python-2|python software|isc|unlicense|cc0|zlib|hpnd)\b"
)
# File-level copyleft (MPL, EPL, CDDL) too: a row of a data set is such a file, or a part of one.
_COPYLEFT = re.compile(r"gpl|affero|\b(mpl|mozilla|epl|eclipse|cddl|eupl|osl|gfdl|proprietary|nonfree)\b")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of Python source: `path` on this machine, `member` inside it (a wheel's entry, a Parquet row)."""

    path: str
    origin: str
    license: str
    member: str = ""


@dataclass(frozen=True, slots=True)
class SourceTree:
    """Files that are mined together: a call in one file is an example input for a function in another."""

    name: str
    files: tuple[SourceFile, ...]


def default_roots() -> list[Path]:
    """The standard library and the installed packages of the running interpreter."""
    paths = sysconfig.get_paths()
    return [Path(paths["stdlib"]), Path(paths["purelib"])]


def files(roots: Sequence[str | Path] | None = None) -> list[SourceFile]:
    """Every Python file under the roots, in a fixed order; `None` means `default_roots`.

    A root is a folder, a `.py` file, a wheel or zip, or a Parquet file with a `content` (and perhaps a `path` and
    `license`) column. Vendored copies are left out; symbolic links to folders are not followed. InputError where a root
    does not exist; an empty root gives no files.
    """
    found: list[SourceFile] = []
    for root in default_roots() if roots is None else [Path(root) for root in roots]:
        if not root.exists():
            raise InputError(f"source root {str(root)!r} does not exist; give a folder, a .py, .whl or .parquet file")
        found += sorted(_files_of(root), key=lambda file: file.origin)
    return found


def trees(found: Sequence[SourceFile], size: int = 200) -> list[SourceTree]:
    """Neighbouring files of the same distribution, at most `size` together: the unit of parallel work.

    Depends on the files only, never on the number of cores.
    """
    groups: dict[str, list[SourceFile]] = {}
    for file in found:
        groups.setdefault(file.origin.partition(":")[0], []).append(file)
    return [
        SourceTree(f"{name}#{start // size}", tuple(members[start : start + size]))
        for name, members in groups.items()
        for start in range(0, len(members), size)
    ]


def read(file: SourceFile, max_bytes: int) -> str:
    """The text of a file. OSError, BadZipFile: unreadable; UnicodeDecodeError: not UTF-8; ValueError: too large."""
    if file.path.endswith(".parquet"):
        content = _parquet_column(file.path)[int(file.member)]
    elif file.member:
        with zipfile.ZipFile(file.path) as archive:
            if archive.getinfo(file.member).file_size > max_bytes:
                raise ValueError(f"more than {max_bytes} bytes")
            content = archive.read(file.member)
    else:
        with open(file.path, "rb") as stream:
            content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError(f"more than {max_bytes} bytes")
    return content.decode("utf-8-sig") if isinstance(content, bytes) else content


def imported(file: SourceFile, module: str) -> SourceFile | None:
    """The file of the same distribution that `file` names in `from module import ...`, None where there is none.

    `module` has a dot in front for each level of a relative import. An installed package's files are those below its
    own top-level folder, as a namespace may belong to several distributions.
    """
    name, _, own = file.origin.partition(":")
    folder = own.split("/")[:-1]
    level = len(module) - len(module.lstrip("."))
    base = folder[: len(folder) - level + 1] if level else []
    target = [*base, *(part for part in module[level:].split(".") if part)]
    if level > len(folder) or not target or file.path.endswith(".parquet"):
        return None
    root = file.path.removesuffix(own)
    if "==" in name and not (folder and target[0] == folder[0] and os.path.isfile(f"{root}{folder[0]}/__init__.py")):
        return None
    for path in (f"{'/'.join(target)}.py", f"{'/'.join(target)}/__init__.py"):
        if file.member and path in _members(file.path):
            return replace(file, origin=f"{name}:{path}", member=path)
        if not file.member and os.path.isfile(found := root + path):
            return replace(file, origin=f"{name}:{path}", path=found)
    return None


def is_permissive(license: str) -> bool:
    """Whether code under this licence may be redistributed in a data set without copyleft; `UNSTATED` may not."""
    text = license.lower()
    return _PERMISSIVE.search(text) is not None and _COPYLEFT.search(text) is None


def _files_of(root: Path) -> Iterator[SourceFile]:
    if root.suffix == ".parquet":
        yield from _parquet_files(root)
    elif root.suffix in (".whl", ".zip"):
        yield from _archive_files(root)
    elif root.is_file():
        yield SourceFile(str(root), f"{root.parent.name}:{root.name}", UNSTATED)
    elif (root / "textwrap.py").exists() and (root / "sysconfig.py").exists():
        name = f"python{sys.version_info.major}.{sys.version_info.minor}"
        for path in _walk(root, frozenset({"site-packages", "dist-packages"})):
            yield SourceFile(str(root / path), f"{name}:{path}", "PSF-2.0")
    else:
        owners = _owners(root)
        for path in _walk(root, frozenset()):
            name, license = owners.get(path, (root.name, UNSTATED))
            if owners and path not in owners:
                continue
            yield SourceFile(str(root / path), f"{name}:{path}", license)


def _walk(root: Path, skipped: frozenset[str]) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED_FOLDERS | skipped)
        for name in sorted(names):
            if name.endswith(".py"):
                yield Path(folder, name).relative_to(root).as_posix()


def _owners(root: Path) -> dict[str, tuple[str, str]]:
    """Relative path -> (name==version, licence) for every file that an installed distribution records."""
    owners: dict[str, tuple[str, str]] = {}
    for info in sorted(root.glob("*.dist-info")):
        distribution = PathDistribution(info)
        if not distribution.metadata["Name"]:
            continue
        owner = (f"{distribution.metadata['Name']}=={distribution.version}", _license(distribution))
        for path in distribution.files or []:
            owners[path.as_posix()] = owner
    return owners


def _license(distribution: Distribution) -> str:
    """SPDX expression, else the classifier, else the first line of the License field."""
    metadata = distribution.metadata
    if "License-Expression" in metadata:
        return str(metadata["License-Expression"])
    classifiers = [str(c) for c in metadata.get_all("Classifier") or [] if str(c).startswith("License ::")]
    if classifiers and (stated := classifiers[-1].rpartition(" :: ")[2]) != "OSI Approved":
        return stated
    stated = str(metadata["License"] or "").strip()  # None where absent
    return stated.splitlines()[0][:60] if stated else UNSTATED


def _archive_files(root: Path) -> Iterator[SourceFile]:
    try:
        with zipfile.ZipFile(root) as archive:
            names = [name for name in archive.namelist() if name.endswith(".py")]
            metadata = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            license = _license(_ArchivedDistribution(archive.read(metadata[0]).decode())) if metadata else UNSTATED
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"source archive {str(root)!r} cannot be read: {error}; download it again") from error
    for name in names:
        if not _SKIPPED_FOLDERS & set(Path(name).parts):
            yield SourceFile(str(root), f"{root.stem}:{name}", license, name)


@lru_cache(maxsize=8)
def _members(archive: str) -> frozenset[str]:
    with zipfile.ZipFile(archive) as opened:
        return frozenset(opened.namelist())


class _ArchivedDistribution(Distribution):
    """A distribution of which only the metadata text is known."""

    def __init__(self, metadata: str) -> None:
        self._metadata = metadata

    def read_text(self, filename: str) -> str | None:
        return self._metadata if filename == "METADATA" else None

    def locate_file(self, path: str | os.PathLike[str]) -> Path:
        return Path(path)


def _parquet_files(root: Path) -> Iterator[SourceFile]:
    schema = pq.read_schema(root)
    if "content" not in schema.names:
        raise InputError(
            f"{str(root)!r} has no column 'content' (it has {', '.join(schema.names)}); rename the code column"
        )
    table = pq.read_table(root, columns=[name for name in ("path", "license") if name in schema.names])
    rows = pq.read_metadata(root).num_rows
    names = table["path"].to_pylist() if "path" in table.column_names else [str(row) for row in range(rows)]
    licenses = table["license"].to_pylist() if "license" in table.column_names else [UNSTATED] * rows
    for row in range(rows):
        yield SourceFile(str(root), f"{root.stem}:{names[row]}", str(licenses[row] or UNSTATED), str(row))


@lru_cache(maxsize=1)
def _parquet_column(path: str) -> list[str | bytes]:
    return cast(
        "list[str | bytes]", [value or "" for value in pq.read_table(path, columns=["content"])["content"].to_pylist()]
    )
