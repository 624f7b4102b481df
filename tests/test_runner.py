import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import ray

from ray_app.errors import ClusterError, StoreError
from ray_app.records import Reject, Seed
from ray_app.runner import run, units
from ray_app.stage import Spend, Stage
from ray_app.store import Dataset, Ledger, Plan


@dataclass(frozen=True)
class Config:
    log: str
    """a file to which every worker call appends a line, so that tests see what was redone"""
    fail_at: str = ""


def shout(rows: Iterable[Seed], config: Config) -> Iterator[Seed | Reject | Spend]:
    for row in rows:
        with open(config.log, "a") as log:
            log.write(f"{row.id}\n")
        if row.id == config.fail_at and not os.path.exists(config.log + ".healed"):
            raise StoreError(f"cannot digest {row.id}")
        if "bad" in row.code:
            yield Reject("shouted", row.id, "bad")
        else:
            yield Spend(1, 2)
            yield Seed(row.id, row.code.upper(), row.origin, row.license)


def stage(tmp_path: Path, num_cpus: float = 1.0, fail_at: str = "") -> Stage[Config, Seed, Seed]:
    return Stage("shouted", shout, Config(str(tmp_path / "log"), fail_at), Seed, Seed, 2, num_cpus=num_cpus)


def seeds(count: int) -> list[Seed]:
    return [Seed(str(i), "bad" if i == 3 else f"x{i}", "here", "MIT") for i in range(count)]


@pytest.fixture(scope="module", autouse=True)
def cluster():
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    ray.init(address="local", num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def test_run_rows_become_shards_rejects_and_ledger(tmp_path):
    dataset = run(stage(tmp_path), str(tmp_path), rows=seeds(5))
    manifest = dataset.complete()
    assert [seed.code for seed in dataset.read(Seed)] == ["X0", "X1", "X2", "X4"]
    assert list(manifest.shards) == [f"shard-{i:05d}.parquet" for i in range(3)]
    ledger = manifest.ledger
    assert (ledger.rows_in, ledger.rows_out, ledger.rejects) == (5, 4, {"bad": 1})
    assert (ledger.tokens_in, ledger.tokens_out) == (4, 8)
    assert ledger.cpu_s >= 0


def test_run_complete_dataset_is_skipped(tmp_path):
    run(stage(tmp_path), str(tmp_path), rows=seeds(5))
    run(stage(tmp_path), str(tmp_path), rows=seeds(5))
    assert len((tmp_path / "log").read_text().split()) == 5


def test_run_killed_in_the_middle_redoes_only_missing_shards_with_same_bytes(tmp_path):
    whole = run(stage(tmp_path), str(tmp_path), rows=seeds(6)).complete()
    os.remove(tmp_path / "shouted" / "manifest.json")
    os.remove(tmp_path / "shouted" / "ledger" / "shard-00001.json")
    (tmp_path / "log").write_text("")
    again = run(stage(tmp_path), str(tmp_path), rows=seeds(6)).complete()
    assert (tmp_path / "log").read_text().split() == ["2", "3"]
    assert again.shards == whole.shards


def test_run_failing_machine_keeps_finished_shards_and_resumes(tmp_path):
    failing = stage(tmp_path, fail_at="5")
    with pytest.raises(StoreError, match="cannot digest 5"):
        run(failing, str(tmp_path), rows=seeds(6))
    (tmp_path / "log.healed").write_text("")
    assert len(list(run(failing, str(tmp_path), rows=seeds(6)).read(Seed))) == 5


def test_run_input_datasets_are_cut_into_slices(tmp_path):
    upstream = Dataset(str(tmp_path), "up")
    upstream.begin(Plan({}, {}, {}))
    upstream.write_shard(0, Seed, seeds(3), [], Ledger())
    upstream.write_shard(1, Seed, seeds(2), [], Ledger())
    upstream.finish()
    dataset = run(stage(tmp_path), str(tmp_path), inputs=[upstream])
    assert [s.code for s in dataset.read(Seed)] == ["X0", "X1", "X2", "X0", "X1"]
    assert len(dataset.shard_names()) == 3
    assert len(units(None, [upstream], ())) == 1


def test_run_too_small_cluster_says_what_is_missing(tmp_path):
    with pytest.raises(ClusterError, match="needs 64 CPU"):
        run(stage(tmp_path, num_cpus=64), str(tmp_path), rows=seeds(2))
