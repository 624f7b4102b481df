"""Machines that misbehave without dying: no space, no permission, half a file, a clock that jumps, a second job."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ray_app.records import Program
from ray_app.store import Dataset
from tests.chaos import kit

PROJECT = Path(__file__).parents[2]
Record = Callable[[str, int, str], None]
JOB = [sys.executable, "-m", "tests.chaos.job"]


def job(root: Path, what: str, *, shell: str = "", path: str = "") -> subprocess.CompletedProcess[str]:
    """A job of its own, or in a `shell` command ("$@") in its own mounts."""
    command = [*JOB, str(root), what]
    python_path = ":".join(filter(None, (path, str(PROJECT), os.environ.get("PYTHONPATH", ""))))
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", shell, "sh", *command] if shell else command,
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": python_path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of an undisturbed job."""
    root = tmp_path_factory.mktemp("grown")
    done = job(root, "grow")
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def namespaces() -> None:
    """Skips where this user may not mount anything."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs user and mount namespaces")


def test_full_disk_says_so_and_the_run_resumes(namespaces: None, grown: Path, tmp_path: Path, record: Record) -> None:
    """A disk of 150 kB takes some shards; then space appears."""
    root, saved = tmp_path / "root", tmp_path / "saved"
    root.mkdir()
    shell = f'mount -t tmpfs -o size=150k tmpfs {root} && "$@"; code=$?; cp -r {root} {saved}; exit $code'
    full = job(root, "grow", shell=shell)
    assert full.returncode == 1
    assert "No space left on device" in full.stderr
    assert "free some space or choose another --root" in full.stderr
    assert 0 < len(Dataset(str(saved), "grown").finished_shards()) < 40
    assert not [path for path in saved.rglob("*") if ".tmp-" in path.name]
    assert job(saved, "grow").returncode == 0
    assert kit.shards(saved) == kit.shards(grown)
    record("the disk fills up", 1, "one line names path and remedy; resumes with space; shards byte-identical")


def test_read_only_store_says_so(namespaces: None, tmp_path: Path, record: Record) -> None:
    refused = job(tmp_path, "grow", shell=f'mount -t tmpfs -o ro tmpfs {tmp_path} && "$@"')
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: cannot write to root '{tmp_path}'")
    assert "Read-only file system" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    record("a read-only store", 1, "refused at the start in one line")


def test_truncated_shard_is_named_and_redone_as_told(grown: Path, tmp_path: Path, record: Record) -> None:
    root = tmp_path / "root"
    shutil.copytree(grown, root)
    shard = root / "grown" / "shard-00007.parquet"
    os.truncate(shard, 1000)
    told = job(root, "count")
    assert told.returncode == 1
    assert f"{shard} is corrupt" in told.stderr
    for path in (shard, shard.parent / "ledger" / "shard-00007.json", shard.parent / "manifest.json"):
        assert str(path) in told.stderr
        path.unlink()
    others = {path: path.stat().st_mtime_ns for path in root.rglob("shard-*") if "00007" not in path.name}
    assert job(root, "grow").returncode == 0
    assert kit.shards(root) == kit.shards(grown)
    assert {path: path.stat().st_mtime_ns for path in others} == others
    record("a truncated shard", 1, "one line names it and what to delete; only it is redone; shards byte-identical")


CLOCK = """
import random, sys, time
if any("default_worker.py" in word for word in sys.orig_argv):
    _now, _jump = time.time, random.Random()
    time.time = lambda: _now() + _jump.choice((-86400, -60, 0, 60, 86400))
"""


def test_clock_that_jumps_changes_nothing(tmp_path: Path, record: Record) -> None:
    """Every worker sees a clock that jumps by up to a day at every look; Ray cannot start under such a clock itself."""
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(CLOCK)
    for name, path in (("quiet", ""), ("jumping", str(tmp_path / "clock"))):
        done = job(tmp_path / name, "execute", path=path)
        assert done.returncode == 0, done.stderr
    assert kit.shards(tmp_path / "jumping") == kit.shards(tmp_path / "quiet")
    record("workers' clocks that jump by up to a day at every look", 1, "shards byte-identical")


def test_second_job_on_a_root_is_refused_by_name(tmp_path: Path, record: Record) -> None:
    first = subprocess.Popen([*JOB, str(tmp_path), "hold"], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        second = job(tmp_path, "grow")
        assert second.returncode == 1
        assert f"{tmp_path} is in use by chaos (host {os.uname().nodename}, pid {first.pid}, since" in second.stderr
    finally:
        first.kill()
        first.communicate()
    assert job(tmp_path, "grow").returncode == 0
    assert list(Dataset(str(tmp_path), "grown").read(Program))
    record("two jobs on one root", 1, "the second is refused and names the first; a killed one is taken over at once")
