"""Rounds of expert iteration: which one comes next, and the rewards that a round exports."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.expert import finished, write_rewards
from ray_app.errors import InputError
from ray_app.mixture import RL_SCHEMA, forward_prompt
from ray_app.records import Monologue
from ray_app.store import Dataset, Ledger, Plan

CODE = "def f(n):\n    return n + 1\n"


def told(call: str, author: str) -> Monologue:
    output = str(int(call[2:-1]) + 1)
    return Monologue(f"{call} {author}", "p", "grow", CODE, "f", 1, "forward", call, output, "t", call, author, ())


def trained(root: Path) -> None:
    dataset = Dataset(str(root), "training")
    dataset.begin(Plan({}, {}, {}))
    dataset.finish("content", Ledger(1, 1))


def test_finished_counts_rounds_whose_model_is_trained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no fine-tuned model yet"):
        finished(str(tmp_path))
    trained(tmp_path)
    assert finished(str(tmp_path)) == [str(tmp_path)]
    trained(tmp_path / "expert-1")
    Dataset(str(tmp_path / "expert-2"), "training").begin(Plan({}, {}, {}))
    assert finished(str(tmp_path)) == [str(tmp_path), str(tmp_path / "expert-1")]


def test_write_rewards_gives_each_prompt_once_in_verls_layout(tmp_path: Path) -> None:
    rounds: list[Dataset] = []
    for name, calls in (("monologues", ("f(1)", "f(2)")), ("explained", ("f(2)", "f(3)"))):
        dataset = Dataset(str(tmp_path), name)
        dataset.begin(Plan({}, {}, {}))
        dataset.write_shard(0, Monologue, [told(call, name) for call in calls], [], Ledger(2, 2))
        dataset.finish()
        rounds.append(dataset)
    path = tmp_path / "rl" / "rewards.parquet"
    write_rewards(rounds, str(path), held_out_fraction=0.0)
    table = pq.read_table(path)
    assert table.schema.equals(RL_SCHEMA)
    rewards = {row["prompt"][0]["content"]: row["reward_model"]["ground_truth"] for row in table.to_pylist()}
    assert rewards == {forward_prompt(CODE, f"f({n})"): str(n + 1) for n in (1, 2, 3)}
