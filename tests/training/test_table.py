"""Through Arrow tables, in any order of rows, come the same packs as without them."""

import dataclasses
import random
from collections.abc import Callable

import pyarrow as pa

from ray_app.records import Sample, to_table
from ray_app.training import local, table
from ray_app.training.config import TrainConfig
from ray_app.training.pack import plan
from tests.training.training_kit import build_samples

Make = Callable[..., TrainConfig]


def documents(config: TrainConfig, rows: list[Sample]) -> pa.Table:
    return table.tokenize(config, to_table(Sample, rows))


def test_packs_from_shuffled_tables_equal_those_planned_in_memory(make_config: Make) -> None:
    config = make_config(num_train_epochs=2)
    rows = build_samples(40, held_out=6)
    expected = local.prepare(rows, config).supply
    random.Random(0).shuffle(rows)
    made = documents(config, [*rows, rows[0]])
    items, _, _ = table.summary(made.drop_columns("input_ids").to_pylist())
    planned = plan(
        items["train"], mixture=config.mixture, capacity=config.max_length, epochs=2, curriculum=0.0, seed=config.seed
    )
    places: dict[str, list[tuple[int, int]]] = {}
    for pack, members in enumerate(planned.bins):
        for slot, member in enumerate(members):
            places.setdefault(items["train"][member].id, []).append((pack, slot))
    placed = table.place(made, "train", places).sort_by([("pack", "ascending"), ("slot", "ascending")]).to_pylist()
    assert planned.fingerprint == expected.fingerprint
    assert list(table.packs(placed)) == list(expected.packs_from(0))
    assert list(table.packs(placed, 3)) == list(expected.packs_from(3))


def test_summary_counts_each_id_once_and_rejects_by_reason(make_config: Make) -> None:
    rows = build_samples(10, held_out=2)
    empty = [dataclasses.replace(row, id=f"empty {row.id}", response=" ") for row in rows[:3]]
    long = dataclasses.replace(rows[0], id="long", response="x is 1. " * 100)
    made = documents(make_config(), [*rows, *rows[:4], *empty, long])
    items, cut, rejects = table.summary(made.to_pylist())
    assert [len(items["train"]), len(items["held_out"])] == [9, 2]
    assert cut == 1
    assert rejects == {"no-response-tokens": 3}
