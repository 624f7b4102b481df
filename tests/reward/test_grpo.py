"""The reward in TRL's own trainer: a small run of benchmarks/grpo.py, as docs/rl.md shows it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.mark.slow
def test_grpo_raises_the_reward_on_held_out_programs(tmp_path: Path) -> None:
    """Four minutes of two cores: the interval of the gain, over held-out prompts, lies above 0."""
    pytest.importorskip("trl")
    command = [sys.executable, "benchmarks/grpo.py", "--out", str(tmp_path), "--steps", "40", "--warm-up", "600"]
    subprocess.run(command, cwd=PROJECT, check=True)
    mean, low, _ = json.loads((tmp_path / "curve.json").read_text())["gain"]
    assert mean > low > 0
