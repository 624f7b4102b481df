"""Rounds of expert iteration: which one comes next."""

from pathlib import Path

import pytest

from pipelines.expert import finished
from ray_app.errors import InputError
from ray_app.store import Dataset, Ledger, Plan


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
