"""Finding source files and their licences: folders, installed packages, wheels, Parquet; and bad ones."""

import os
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ray_app.errors import InputError
from ray_app.programs.sources import UNSTATED, files, imported, is_permissive, read, trees


def write(root: Path, name: str, text: str = "x = 1\n") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_folder_gives_its_python_files_in_order_with_relative_origins(tmp_path: Path) -> None:
    for name in ("b.py", "a/z.py", "a/__pycache__/c.py", "a/_vendor/d.py", "notes.txt"):
        write(tmp_path / "tree", name)
    found = files([tmp_path / "tree"])
    assert [file.origin for file in found] == ["tree:a/z.py", "tree:b.py"]
    assert {file.license for file in found} == {UNSTATED}


def test_empty_folder_gives_nothing_and_a_missing_one_is_an_input_error(tmp_path: Path) -> None:
    assert files([tmp_path]) == []
    with pytest.raises(InputError, match="does not exist"):
        files([tmp_path / "absent"])


def test_symlink_loops_are_not_followed_and_broken_links_are_unreadable(tmp_path: Path) -> None:
    write(tmp_path, "real.py")
    os.symlink(tmp_path, tmp_path / "loop", target_is_directory=True)
    os.symlink(tmp_path / "self.py", tmp_path / "self.py")
    found = files([tmp_path])
    assert [Path(file.path).name for file in found] == ["real.py", "self.py"]
    with pytest.raises(OSError, match=r"self\.py"):
        read(found[1], 1_000)


def test_installed_package_gives_name_version_and_licence_from_its_metadata(tmp_path: Path) -> None:
    write(tmp_path, "pkg/core.py")
    write(
        tmp_path,
        "pkg-1.2.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: pkg\nVersion: 1.2\nLicense-Expression: MIT\n",
    )
    write(tmp_path, "pkg-1.2.dist-info/RECORD", "pkg/core.py,,\npkg-1.2.dist-info/METADATA,,\n")
    write(tmp_path, "stray.py")
    (found,) = files([tmp_path])
    assert (found.origin, found.license) == ("pkg==1.2:pkg/core.py", "MIT")


def test_licence_classifier_stands_in_for_a_missing_expression(tmp_path: Path) -> None:
    write(tmp_path, "old.py")
    classifier = "Classifier: License :: OSI Approved :: BSD License"
    write(tmp_path, "old-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: old\nVersion: 1\n{classifier}\n")
    write(tmp_path, "old-1.dist-info/RECORD", "old.py,,\n")
    assert files([tmp_path])[0].license == "BSD License"


def test_standard_library_is_found_by_default_with_its_licence() -> None:
    found = {file.origin.partition(":")[2]: file for file in files() if file.origin.startswith("python3.")}
    assert found["textwrap.py"].license == "PSF-2.0"
    assert "def dedent" in read(found["textwrap.py"], 1_000_000)
    assert not any("site-packages" in origin for origin in found)


def test_wheel_is_read_without_unpacking(tmp_path: Path) -> None:
    wheel = tmp_path / "thing-2.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("thing/a.py", "y = 2\n")
        archive.writestr(
            "thing-2.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 2.0\nLicense: MIT\n"
        )
    (found,) = files([wheel])
    assert (found.origin, found.license) == ("thing-2.0-py3-none-any:thing/a.py", "MIT")
    assert read(found, 100) == "y = 2\n"


def test_module_is_found_in_the_same_wheel_or_folder_and_nowhere_else(tmp_path: Path) -> None:
    wheel = tmp_path / "pkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("pkg/__init__.py", "pkg/a.py", "pkg/sub/__init__.py", "pkg/sub/b.py"):
            archive.writestr(name, "x = 1\n")
    found = {file.member: file for file in files([wheel])}
    assert imported(found["pkg/a.py"], ".sub.b") == found["pkg/sub/b.py"]
    assert imported(found["pkg/sub/b.py"], "..a") == found["pkg/a.py"]
    assert imported(found["pkg/sub/b.py"], "pkg.sub") == found["pkg/sub/__init__.py"]
    assert imported(found["pkg/sub/b.py"], "...a") is None
    assert imported(found["pkg/a.py"], "os") is None
    write(tmp_path / "tree", "one.py")
    write(tmp_path / "tree", "two.py")
    one, two = files([tmp_path / "tree"])
    assert imported(one, "two") == two
    assert imported(one, ".two") is None


def test_broken_wheel_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        files([write(tmp_path, "bad.whl", "not a zip")])


def test_parquet_column_of_files_is_a_source(tmp_path: Path) -> None:
    path = tmp_path / "code.parquet"
    table = pa.table({"content": ["a = 1\n", None], "license": ["MIT", None], "path": ["p/a.py", "p/b.py"]})
    pq.write_table(table, path)
    first, second = files([path])
    assert (first.origin, first.license, read(first, 100)) == ("code:p/a.py", "MIT", "a = 1\n")
    assert (second.license, read(second, 100)) == (UNSTATED, "")


def test_parquet_without_content_is_an_input_error_that_names_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "code.parquet"
    pq.write_table(pa.table({"text": ["a = 1"]}), path)
    with pytest.raises(InputError, match=r"no column 'content' \(it has text\)"):
        files([path])


def test_giant_and_foreign_files_are_refused_when_read(tmp_path: Path) -> None:
    big = write(tmp_path, "big.py", "x = 1\n" * 100)
    latin = tmp_path / "latin.py"
    latin.write_bytes(b"s = '\xe9'\n")
    first, second = files([tmp_path])
    with pytest.raises(ValueError, match="more than 50 bytes"):
        read(first, 50)
    with pytest.raises(UnicodeDecodeError):
        read(second, 50)
    assert big.exists()


def test_trees_keep_distributions_apart_and_bound_their_size(tmp_path: Path) -> None:
    for name in ("one", "two"):
        for index in range(5):
            write(tmp_path / name, f"m{index}.py")
    found = trees(files([tmp_path / "one", tmp_path / "two"]), size=3)
    assert [(tree.name, len(tree.files)) for tree in found] == [("one#0", 3), ("one#1", 2), ("two#0", 3), ("two#1", 2)]


@pytest.mark.parametrize(
    "license",
    [
        "MIT",
        "BSD License",
        "Apache-2.0 AND MIT",
        "PSF-2.0",
        "ISC",
        "3-Clause BSD License",
        "0BSD",
        "Python Software Foundation License",
    ],
)
def test_permissive_licences_are_admitted(license: str) -> None:
    assert is_permissive(license)


@pytest.mark.parametrize(
    "license",
    [
        "GPL-3.0",
        "LGPL-2.1 OR MIT",
        "AGPL",
        "MPL-2.0",
        "Mozilla Public License",
        "EPL-2.0",
        "Limited use",
        "Proprietary",
        UNSTATED,
        "",
    ],
)
def test_copyleft_and_unstated_licences_are_not(license: str) -> None:
    assert not is_permissive(license)
