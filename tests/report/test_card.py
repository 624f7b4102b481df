"""The dataset card: what is in the datasets, where it comes from, what was kept out."""

import hashlib
import json
from pathlib import Path

import pytest

from ray_app import mixture
from ray_app.records import Program, PyxRow, Reject
from ray_app.report.card import card, write_cards
from ray_app.store import Dataset, Ledger, Plan
from tests.report.run import programs, write_run


@pytest.fixture
def root(tmp_path: Path) -> str:
    root = str(write_run(tmp_path))
    dataset = Dataset(root, "pyx")
    dataset.begin(Plan({}, {}, {}))
    dataset.write_shard(0, PyxRow, [PyxRow("1", "", "a", "", "b")], [], Ledger(rows_in=1, rows_out=1))
    dataset.finish()
    return root


def written(root: str) -> str:
    write_cards(root, {"pyx": ("Some programs", mixture.PYX_SCHEMA)}, {"seed": 7})
    return Path(f"{root}/pyx/README.md").read_text()


def test_card_tells_sources_licences_diversity_and_recipe(root: str) -> None:
    text = written(root)
    assert text.startswith("---\n")
    assert '"path": "*.parquet"' in text
    assert "36 programs: 12 mine, 12 grow, 12 ask." in text
    assert "| source | programs | calls |" in text
    assert "\n| mine | 11 |" in text
    assert '"seed": 7' in text


def test_card_without_benchmark_files_says_that_nothing_was_looked_for(root: str) -> None:
    assert "nothing was looked for" in written(root)


def test_card_names_benchmark_files_by_hash_and_counts_what_was_refused(root: str, tmp_path: Path) -> None:
    file = tmp_path / "toy.jsonl"
    file.write_text(json.dumps({"task_id": "T/1", "prompt": "Add one to a number."}) + "\n")
    dataset = Dataset(f"{root}/other", "programs")
    dataset.begin(Plan({"benchmarks": [str(file)]}, {}, {}))
    rejects = [
        Reject("dedup", "a", "near-duplicate", "x: of y"),
        Reject("decontaminate", "b", "contaminated: code", "m.py:f: toy/T/1 (code)"),
    ]
    ledger = Ledger(rows_in=5, rows_out=3, rejects={"near-duplicate": 1, "contaminated: code": 1})
    dataset.write_shard(0, Program, programs(3), rejects, ledger)
    dataset.finish()
    Path(f"{root}/pyx").rename(f"{root}/other/pyx")
    text = written(f"{root}/other")
    assert "Every one of 4 programs was compared" in text
    assert "1 were refused: 1 code (1 toy)" in text
    assert f"| toy | 1 | {hashlib.sha256(file.read_bytes()).hexdigest()} |" in text
    assert "No executed programs." in text


def test_card_that_is_there_already_stays(root: str) -> None:
    Path(f"{root}/pyx/README.md").write_text("mine")
    assert written(root) == "mine"


def test_card_front_matter_is_read_by_the_hub_library_and_matches_the_table() -> None:
    hub = pytest.importorskip("huggingface_hub")
    text = card("Chats", "messages", mixture.MESSAGES_SCHEMA, 1_110, {"MIT", "Apache-2.0"}, {"seed": 1})
    data = hub.DatasetCard(text).data.to_dict()
    assert data["license"] == "other"
    assert data["license_name"] == "Apache-2.0 AND MIT"
    assert data["size_categories"] == ["1K<n<10K"]
    assert [entry["config_name"] for entry in data["configs"]] == ["messages"]
    features = data["dataset_info"]["features"]
    assert [feature["name"] for feature in features] == mixture.MESSAGES_SCHEMA.names
    assert features[0]["list"][1] == {"name": "content", "dtype": "string"}


@pytest.mark.parametrize(("rows", "size"), [(0, "n<1K"), (1_000, "1K<n<10K"), (2_500_000, "1M<n<10M")])
def test_card_size_category_follows_the_rows(rows: int, size: str) -> None:
    text = card("x", "pyx", mixture.PYX_SCHEMA, rows, {"MIT"}, {})
    assert f'size_categories: ["{size}"]' in text
    assert 'license: "mit"' in text
