"""The reward as an environment of `verifiers`, where that package is there (it wants other versions than ours)."""

import asyncio
from pathlib import Path

import pytest

from ray_app.errors import InputError
from ray_app.reward.environment import execution_reward, load_environment
from ray_app.reward.rows import export
from tests.reward.kit import narration
from tests.reward.test_forms import traced


def test_environment_without_a_file_names_the_remedy() -> None:
    with pytest.raises(InputError, match=r"python -m pipelines.export_rl"):
        load_environment()


def test_environment_rewards_as_the_other_forms_do(tmp_path: Path) -> None:
    vf = pytest.importorskip("verifiers")
    if not hasattr(vf, "SingleTurnEnv"):
        pytest.skip(f"verifiers {vf.__version__} has no SingleTurnEnv")
    export([traced(0)], str(tmp_path), ["forward"], 0.0)
    environment = load_environment(path=str(tmp_path / "rl" / "train.parquet"))
    row = environment.get_dataset()[0]
    assert row["prompt"][0]["content"].startswith("Simulate the Execution")
    completion = [{"role": "assistant", "content": narration()}]
    score = asyncio.run(execution_reward(completion=completion, answer=row["answer"], info=row["info"]))
    assert score == pytest.approx(1.55)
