"""A machine with PyTorch and transformers alone can train, export and score: Ray and DeepSpeed are not there."""

import subprocess
import sys
from pathlib import Path

import pytest

from ray_app.training import metrics
from tests.training.training_kit import build_model

PROJECT = Path(__file__).parents[2]
DATA = PROJECT.parent / "shared" / "data" / "cruxeval"
ABSENT = ["ray", "deepspeed", "fastapi", "openai", "vllm", "tensorboard", "gguf"]
WITHOUT = f"""
import runpy, sys
sys.modules.update(dict.fromkeys({ABSENT}))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="needs the CRUXEval file")
def test_finetune_scores_before_and_after_with_torch_and_transformers_only(tmp_path: Path) -> None:
    model = build_model(tmp_path / "base", context=4096)
    script = str(PROJECT / "benchmarks" / "finetune.py")
    options = f"--model {model} --data {DATA} --out {tmp_path / 'out'} --items 4 --programs 24 --steps 3 --packs 2"
    options += " --micro 1 --max-length 2048 --answer-tokens 8 --kv 1 --batch 8 --workers 1"
    command = [sys.executable, "-c", WITHOUT, script, *options.split()]
    first = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=280, check=False)
    assert first.returncode == 0, first.stderr
    assert first.stdout.count("before   0.0%") == 4
    assert "tokens/s" in first.stdout
    history = metrics.read(tmp_path / "out" / "run" / "metrics.jsonl")
    assert [row["step"] for row in history if row["kind"] == "train"] == [1, 2, 3]
    assert (tmp_path / "out" / "model" / "model.safetensors").is_file()
    again = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=True)
    assert again.stdout.splitlines()[-7:] == first.stdout.splitlines()[-7:]
