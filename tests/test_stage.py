from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ray_app.records import Seed
from ray_app.stage import WHERE, code_version, plan
from ray_app.store import Dataset, Ledger, Plan


@dataclass(frozen=True)
class Config:
    seed: int = 0
    names: tuple[str, ...] = ("a",)
    endpoint: str = field(default="", metadata=WHERE)


def keep(rows: Iterable[Seed], config: Config) -> Iterator[Seed]:
    yield from rows


def test_plan_survives_json_and_equals_itself(tmp_path):
    dataset = Dataset(str(tmp_path), "kept")
    rows = [Seed("1", "x", "here", "MIT")]
    dataset.begin(plan(keep, Config(), (), rows))
    assert dataset.plan() == plan(keep, Config(), (), rows)


def test_plan_changes_with_config_rows_and_inputs(tmp_path):
    upstream = Dataset(str(tmp_path), "up")
    upstream.begin(Plan({}, {}, {}))
    upstream.write_shard(0, Seed, [], [], Ledger())
    upstream.finish()
    base = plan(keep, Config())
    assert "config.seed: 0 -> 1" in base.difference(plan(keep, Config(1)))
    assert "inputs.rows" in base.difference(plan(keep, Config(), (), [Seed("1", "x", "here", "MIT")]))
    assert "inputs.up" in base.difference(plan(keep, Config(), [upstream]))


def test_plan_ignores_where_things_are_done():
    assert plan(keep, Config(endpoint="http://here")) == plan(keep, Config(endpoint="http://there"))


def test_code_version_covers_imports_of_imports():
    version = code_version("ray_app.store")
    assert {"ray_app.store", "ray_app.records", "ray_app.tracing.model"} <= set(version)
    assert "ray_app.runner" not in version
