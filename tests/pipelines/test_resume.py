"""Kill the driver of a real run at random moments: what is made in the end must be what an undisturbed run makes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ray_app.records import Monologue, TracedProgram
from ray_app.store import Dataset

PROJECT = Path(__file__).parents[2]


def start(root: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.pipelines.tiny", str(root)]
    return subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def shards(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.parquet"))}


def kill_once(root: Path, stage: str) -> None:
    """Start a run and kill its driver, and Ray with it, when the first shard of `stage` is complete."""
    run = start(root)
    while run.poll() is None and not list((root / stage).glob("ledger/*.json")):
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()


@pytest.mark.slow
def test_synthesize_killed_at_every_stage_ends_with_the_same_bytes(tmp_path):
    quiet, noisy = tmp_path / "quiet", tmp_path / "noisy"
    assert start(quiet).wait() == 0
    for stage in ("mined", "grown", "executions", "monologues", "samples"):
        kill_once(noisy, stage)
    assert start(noisy).wait() == 0
    assert shards(noisy) == shards(quiet)
    made = list(Dataset(str(noisy), "monologues").read(Monologue))
    programs = {row.id for row in Dataset(str(noisy), "executions").read(TracedProgram)}
    assert len(made) > 20
    assert {row.program_id for row in made} <= programs
    assert all(claim.verdict == "true" for row in made for claim in row.claims)
